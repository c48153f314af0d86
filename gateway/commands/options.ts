import type { z } from 'zod'

/** One setting, under its three names. */
export interface Option {
  /** In the configuration file: `limits.maxDepth`. */
  readonly path: readonly string[]
  /** `--limits-max-depth` */
  readonly flag: string
  /** `HUB_LIMITS__MAX_DEPTH` */
  readonly variable: string
  readonly kind: OptionKind
  /** As in the file; absent: the setting has none. */
  readonly default?: unknown
  /** A sentence. Units are in the setting's name, or in here. */
  readonly description: string
  /** For enums: what is taken. */
  readonly choices?: readonly string[]
}

/** How text becomes a value. A `structure` stands in the file only. */
export type OptionKind = 'text' | 'number' | 'switch' | 'list' | 'structure'

/** Every setting of the schema, nested objects taken apart, in its order. */
export function optionsOf(schema: z.core.$ZodType, prefix: string): Option[] {
  return leaves(schema, [], undefined).map(({ path, leaf, description }) => {
    const { inner, fallback } = unwrapped(leaf)
    return {
      path,
      flag: `--${path.map(part => words(part).join('-')).join('-')}`,
      variable: `${prefix}_${path.map(part => words(part).join('_').toUpperCase()).join('__')}`,
      kind: kindOf(inner),
      ...(fallback !== undefined && { default: fallback }),
      description,
      ...(inner._zod.def.type === 'enum' && { choices: Object.values((inner as z.core.$ZodEnum)._zod.def.entries).map(String) }),
    }
  })
}

interface Leaf {
  readonly path: readonly string[]
  readonly leaf: z.core.$ZodType
  readonly description: string
}

function leaves(schema: z.core.$ZodType, path: readonly string[], outer: string | undefined): Leaf[] {
  const { inner, description = outer ?? '' } = unwrapped(schema)
  if (inner._zod.def.type !== 'object') return [{ path, leaf: schema, description }]
  return Object.entries((inner as z.core.$ZodObject)._zod.def.shape).flatMap(([name, member]) => leaves(member, [...path, name], undefined))
}

/** The schema without what makes it optional, with the default and the description met on the way. */
function unwrapped(schema: z.core.$ZodType): { inner: z.core.$ZodType; fallback?: unknown; description?: string } {
  const description = (schema as z.ZodType).description
  const def = schema._zod.def as { type: string; innerType?: z.core.$ZodType; defaultValue?: unknown }
  if (!def.innerType || !['default', 'prefault', 'optional'].includes(def.type)) return { inner: schema, description }
  const deeper = unwrapped(def.innerType)
  return { inner: deeper.inner, fallback: def.type === 'optional' ? deeper.fallback : def.defaultValue, description: description ?? deeper.description }
}

const kinds: Readonly<Record<string, OptionKind>> = { string: 'text', enum: 'text', literal: 'text', number: 'number', boolean: 'switch' }

function kindOf(schema: z.core.$ZodType): OptionKind {
  const { def } = schema._zod
  if (def.type === 'array') return kindOf((schema as z.core.$ZodArray)._zod.def.element) === 'text' ? 'list' : 'structure'
  if (def.type === 'union') return (schema as z.core.$ZodUnion)._zod.def.options.some(option => kindOf(option) === 'list') ? 'list' : 'text'
  return kinds[def.type] ?? 'structure'
}

const switches: ReadonlyMap<string, boolean> = new Map([['true', true], ['1', true], ['on', true], ['yes', true], ['false', false], ['0', false], ['off', false], ['no', false]])

/** The value a variable or a flag gives, as the file would have it; text that is none of the kind stays, for the schema to refuse. */
export function settingFrom(kind: OptionKind, text: string): unknown {
  if (kind === 'number') return /^[+-]?\d+(\.\d+)?$/.test(text) ? Number(text) : text
  if (kind === 'switch') return switches.get(text.toLowerCase()) ?? text
  if (kind === 'list') return text.split(',').map(part => part.trim()).filter(Boolean)
  return text
}

/** `jwksUrl` → `jwks`, `url` */
function words(name: string): string[] {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase().split(' ')
}
