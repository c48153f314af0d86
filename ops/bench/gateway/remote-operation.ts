/** Reviews of people and of products, two levels down, with the other reviews of their authors: few requests to subgraphs, many objects and much text. */
export const heavyOperation = `query Heavy($from: Int!) {
  people(from: $from, first: 5) {
    id name city memberSince
    reviews(first: 4) {
      id stars body
      product { upc name price inStock reviews(first: 2) { id stars body author { id name city reviews(first: 2) { id stars body product { upc name price } } } } }
    }
  }
  bestSellers(from: $from, first: 4) {
    upc name price weight inStock shippingCost
    reviews(first: 3) { id stars body author { id name city memberSince reviews(first: 3) { id stars body product { upc name price } } } }
  }
}`
