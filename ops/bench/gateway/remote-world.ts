import type { World } from './world.ts'

/** People who review products: four subgraphs whose entities are all needed by each other. The same on every machine. */
interface Person {
  readonly id: string
  readonly name: string
  readonly city: string
  readonly memberSince: number
}

interface Product {
  readonly upc: string
  readonly name: string
  readonly price: number
  readonly weight: number
}

interface Review {
  readonly id: string
  readonly body: string
  readonly stars: number
  readonly author: Pick<Person, 'id'>
  readonly product: Pick<Product, 'upc'>
}

/** People, and products; a page may begin at each of them. */
export const pages = 512
const reviewsEach = 6

const names = ['Ada', 'Bruno', 'Chiara', 'Deniz', 'Elif', 'Farid', 'Greta', 'Hugo', 'Ines', 'Jonas', 'Káta', 'Luís'] as const
const cities = ['Aarhus', 'Bergen', 'Córdoba', 'Dresden', 'Évora', 'Faro', 'Ghent', 'Haifa'] as const
const goods = ['kettle', 'lamp', 'bicycle bell', 'rain coat', 'tea strainer', 'desk', 'hammock', 'tripod', 'thermos'] as const
/** In Latin-1 like most text: a single character beyond it would make JSON.stringify, and so the plain limit, four times as dear. */
const remarks = [
  'It does what the label says and has not let me down since the day it came.', 'The lid "snaps" shut; mine came with a scratch that nobody mentioned.', 'After a winter outdoors it still looks new, which I did not expect at this price.',
  'My neighbour borrowed it twice and then bought one too.', 'The manual is short, and better for it.', 'Slightly heavier than the old one, but far quieter and cheaper.', 'Returned the first, kept the second: delivery took nine days.', 'Très bien, I would buy it again tomorrow.',
] as const

const pick = <T>(values: readonly T[], n: number): T => values[n % values.length]!

const people: readonly Person[] = Array.from({ length: pages }, (_, n) => ({ id: `person-${n}`, name: `${pick(names, n * 7)} the ${n}th`, city: pick(cities, n * 3), memberSince: 1990 + (n % 35) }))
const products: readonly Product[] = Array.from({ length: pages }, (_, n) => ({ upc: `upc-${n}`, name: `${pick(goods, n * 5)} no. ${n}`, price: 5 + ((n * 37) % 900), weight: 100 + ((n * 61) % 4_000) }))
/** The nth is by person n / 6, about a product far from those of its neighbours. */
const reviews: readonly Review[] = Array.from({ length: pages * reviewsEach }, (_, n) => ({
  id: `review-${n}`, body: [n, n * 5 + 3, n * 3 + 1, n * 7 + 2, n + 6, n * 3 + 5].map(at => pick(remarks, at)).join(' '), stars: 1 + ((n * 11) % 5), author: { id: `person-${Math.floor(n / reviewsEach)}` }, product: { upc: `upc-${(n * 83) % pages}` },
}))

const personById = new Map(people.map(person => [person.id, person]))
const productByUpc = new Map(products.map(product => [product.upc, product]))
const byAuthor = Map.groupBy(reviews, ({ author }) => author.id)
const byProduct = Map.groupBy(reviews, ({ product }) => product.upc)

interface Page {
  readonly from: number
  readonly first: number
}

/** So many from one on, going on at the beginning after the last. */
const page = <T>(all: readonly T[], { from, first }: Page): readonly T[] => Array.from({ length: first }, (_, n) => pick(all, from + n))

const Query = {
  people: (_: never, where: Page) => page(people, where),
  bestSellers: (_: never, where: Page) => page(products, where),
}
const reviewsOfPerson = ({ id }: { id: string }, { first }: { first: number }) => byAuthor.get(id)?.slice(0, first) ?? []
const reviewsOfProduct = ({ upc }: { upc: string }, { first }: { first: number }) => byProduct.get(upc)?.slice(0, first) ?? []
const inStock = ({ upc }: { upc: string }) => Number(upc.slice(4)) % 7
const shippingCost = ({ price, weight }: Pick<Product, 'price' | 'weight'>) => (price > 500 ? 0 : Math.ceil(weight / 2))

export const remoteWorld: World = {
  subgraphs: [
    {
      name: 'accounts',
      sdl: `type Query { people(from: Int!, first: Int!): [Person!]! }
        type Person @key(fields: "id") { id: ID! name: String! city: String memberSince: Int! }`,
      resolvers: { Query: { people: Query.people }, Person: { __resolveReference: ({ id }: { id: string }) => personById.get(id) } },
    },
    {
      name: 'products',
      sdl: `type Query { bestSellers(from: Int!, first: Int!): [Product!]! }
        type Product @key(fields: "upc") { upc: ID! name: String! price: Int! weight: Int! }`,
      resolvers: { Query: { bestSellers: Query.bestSellers }, Product: { __resolveReference: ({ upc }: { upc: string }) => productByUpc.get(upc) } },
    },
    {
      name: 'inventory',
      sdl: `type Query { warehouses: Int! }
        type Product @key(fields: "upc") { upc: ID! price: Int! @external weight: Int! @external inStock: Int! shippingCost: Int @requires(fields: "price weight") }`,
      resolvers: { Query: { warehouses: () => 3 }, Product: { __resolveReference: (product: Product) => product, inStock, shippingCost } },
    },
    {
      name: 'reviews',
      sdl: `type Query { review(id: ID!): Review }
        type Review @key(fields: "id") { id: ID! body: String! stars: Int! author: Person! product: Product! }
        type Person @key(fields: "id") { id: ID! reviews(first: Int!): [Review!]! }
        type Product @key(fields: "upc") { upc: ID! reviews(first: Int!): [Review!]! }`,
      resolvers: {
        Query: { review: (_: never, { id }: { id: string }) => reviews.find(review => review.id === id) },
        Person: { __resolveReference: (person: Person) => person, reviews: reviewsOfPerson },
        Product: { __resolveReference: (product: Product) => product, reviews: reviewsOfProduct },
      },
    },
  ],
  whole: {
    sdl: `type Query { people(from: Int!, first: Int!): [Person!]! bestSellers(from: Int!, first: Int!): [Product!]! }
      type Person { id: ID! name: String! city: String memberSince: Int! reviews(first: Int!): [Review!]! }
      type Product { upc: ID! name: String! price: Int! weight: Int! inStock: Int! shippingCost: Int reviews(first: Int!): [Review!]! }
      type Review { id: ID! body: String! stars: Int! author: Person! product: Product! }`,
    resolvers: {
      Query,
      Person: { reviews: reviewsOfPerson },
      Product: { inStock, shippingCost, reviews: reviewsOfProduct },
      Review: { author: ({ author }: Review) => personById.get(author.id), product: ({ product }: Review) => productByUpc.get(product.upc) },
    },
  },
}
