export { parseTrino, type ParsedStatement } from './ast.ts'
export { quoteIdentifier, quoteText } from './quote.ts'
export { type BaseTable, baseTables, isLimited } from './tables.ts'
