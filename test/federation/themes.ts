import type { Case } from './case.ts'
import { abstract } from './abstract.ts'
import { alone } from './alone.ts'
import { inaccessible } from './inaccessible.ts'
import { inputs } from './inputs.ts'
import { interfaceObjects } from './interface-objects.ts'
import { keys } from './keys.ts'
import { mutations } from './mutations.ts'
import { nulls } from './nulls.ts'
import { operations } from './operations.ts'
import { override } from './override.ts'
import { provides } from './provides.ts'
import { requires } from './requires.ts'
import { shareable } from './shareable.ts'

export const themes: Readonly<Record<string, readonly Case[]>> = {
  keys, provides, requires, shareable, override, inaccessible, 'interface objects': interfaceObjects, abstract, inputs, operations, mutations, nulls, alone,
}
