import { type Body, blank, bodyOf, checkMembers, kindOf, listOf, type Node, nameOf, unsupported } from '../../statements/ast.ts'
import { callOf } from './calls.ts'
import type { Environment } from './environment.ts'
import { child, inside, printAll, printExpression } from './expressions.ts'
import { cteName, printQuery, printValues } from './query.ts'
import { quoteIdentifier } from '../../../schema/quote.ts'
import { tableName } from '../../statements/tables.ts'

const joinKinds: Readonly<Record<string, string>> = {
  Inner: 'JOIN', Left: 'LEFT JOIN', Right: 'RIGHT JOIN', Full: 'FULL JOIN', Cross: 'CROSS JOIN', Implicit: ',',
}

/** What follows FROM in a SELECT. */
export function printFrom(select: Body, env: Environment): string {
  const from = select['from'] as Body
  checkMembers('from', from, ['expressions'])
  return `${listOf(from['expressions']).map(item => printItem(item, select, env)).join(', ')}${printJoins(listOf(select['joins']), select, env)}`
}

function printJoins(joins: readonly Node[], select: Body, env: Environment): string {
  return joins.map(join => {
    checkMembers('join', join, ['this', 'on', 'using', 'kind'])
    const kind = joinKinds[String(join['kind'])]
    if (kind === undefined) throw unsupported(`a join of kind ${String(join['kind'])}`)
    const on = join['on'] ? ` ON ${printExpression(child(join, 'on'), env)}` : ''
    const using = blank(join['using']) ? '' : ` USING (${listOf(join['using']).map(column => quoteIdentifier(nameOf(column) ?? '')).join(', ')})`
    return `${kind === ',' ? ', ' : ` ${kind} `}${printItem(child(join), select, env)}${on}${using}`
  }).join('')
}

function printItem(item: Node, select: Body, env: Environment): string {
  const kind = kindOf(item)
  switch (kind) {
    case 'table':
      return printTable(item, select, env)
    case 'subquery': {
      const body = bodyOf(item, ['this', 'alias', 'column_aliases', 'lateral', 'order_by', 'limit', 'offset'])
      const { alias: _alias, column_aliases: _columns, lateral: _lateral, ...query } = body
      return `${body['lateral'] ? 'LATERAL ' : ''}(${printQuery({ subquery: query }, inside(env))})${aliasOf(body)}`
    }
    case 'values': {
      const body = bodyOf(item, ['expressions', 'alias', 'column_aliases'])
      return `(${printValues(body, env)})${aliasOf(body)}`
    }
    case 'joined_table': {
      const body = bodyOf(item, ['left', 'joins', 'alias'])
      if (!blank(body['alias'])) throw unsupported('an alias for a join in parentheses')
      return `(${printItem(child(body, 'left'), select, env)}${printJoins(listOf(body['joins']), select, env)})`
    }
    case 'unnest':
      return printUnnest(item, {}, env)
    case 'alias': {
      const body = bodyOf(item, ['this', 'alias', 'column_aliases'])
      if (kindOf(body['this']) !== 'unnest') throw unsupported(`${kindOf(body['this']).replaceAll('_', ' ')} in FROM with an alias`, 'Write the alias behind the table itself.')
      return printUnnest(child(body), body, env)
    }
    case 'function': {
      const name = callOf(item)?.name ?? kind
      throw unsupported(`the table function ${name}`, 'FROM takes tables of the hub, subqueries, VALUES and UNNEST.', env.statement.positionOf(item))
    }
    default:
      throw unsupported(`${kind.replaceAll('_', ' ').toUpperCase()} in FROM`, undefined, env.statement.positionOf(item))
  }
}

function aliasOf(body: Body): string {
  const name = nameOf(body['alias'])
  if (name === undefined) return ''
  return ` AS ${quoteIdentifier(name)}${columnAliases(body)}`
}

function columnAliases(body: Body): string {
  return blank(body['column_aliases']) ? '' : `(${listOf(body['column_aliases']).map(column => quoteIdentifier(nameOf(column) ?? '')).join(', ')})`
}

function printTable(item: Node, select: Body, env: Environment): string {
  const body = item['table'] as Body
  if (!blank(body['version']) || !blank(body['when'])) throw unsupported('time travel (FOR VERSION or TIMESTAMP AS OF)', 'Set a Trino engine for it.', env.statement.positionOf(item))
  checkMembers('table', body, ['name', 'schema', 'catalog', 'alias', 'column_aliases', 'table_sample'])
  const name = tableName(item)
  const last = name[name.length - 1] ?? ''
  const alias = nameOf(body['alias']) ?? last
  const text = name.length === 1 && env.ctes.has(last.toLowerCase()) ? cteName(last) : env.host.table({ name, node: item, alias, select, env })
  return `${text} AS ${quoteIdentifier(alias)}${columnAliases(body)}${printSample(body['table_sample'] as Body | null | undefined, env)}`
}

function printSample(sample: Body | null | undefined, env: Environment): string {
  if (!sample) return ''
  checkMembers('tablesample', sample, ['method', 'size', 'explicit_method', 'method_before_size'])
  const method = String(sample['method'])
  const size = printExpression(child(sample, 'size'), env)
  if ((method !== 'Bernoulli' && method !== 'System') || !/^\d+(\.\d+)?$/.test(size)) throw unsupported(`TABLESAMPLE ${method}`)
  return ` TABLESAMPLE ${method.toUpperCase()} (${size}%)`
}

const mapCalls = new Set(['map', 'map_agg', 'map_from_entries', 'histogram'])

/** UNNEST of one array, of several side by side, or of a map into its keys and values. */
function printUnnest(unnest: Node, alias: Body, env: Environment): string {
  const body = bodyOf(unnest, ['this', 'expressions', 'with_ordinality'])
  const operands = [child(body), ...listOf(body['expressions'])]
  const ordinality = Boolean(body['with_ordinality'])
  const named = listOf(alias['column_aliases']).length - (ordinality ? 1 : 0)
  const [only] = operands
  const ofMap = operands.length === 1 && only !== undefined && mapCalls.has(callOf(only)?.name ?? '')
  if (named > 0 && named !== (ofMap ? 2 : operands.length)) throw unsupported('UNNEST of a map column or of rows', 'Unnest map_keys(m) and map_values(m) side by side.', env.statement.positionOf(unnest))

  if (!ofMap && operands.length === 1) return `UNNEST(${printAll(operands, env).join('')})${ordinality ? ' WITH ORDINALITY' : ''}${aliasOf(alias)}`
  if (ordinality) throw unsupported('UNNEST of several arrays WITH ORDINALITY')
  const [first = ''] = printAll(operands, env)
  const lists = ofMap ? [`map_keys(${first})`, `map_values(${first})`] : printAll(operands, env)
  return `LATERAL (SELECT ${lists.map(list => `unnest(${list})`).join(', ')})${aliasOf(alias)}`
}
