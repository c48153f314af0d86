import { camelCase, didYouMean, nearest, pascalCase } from '../../../schema/names.ts'

test.each([
  ['mean_delay_minutes', 'meanDelayMinutes'], ['addedBy', 'addedBy'], ['ID', 'id'], ['utc_offset_hours', 'utcOffsetHours'], ['HTTP_STATUS', 'httpStatus'], ['order-id', 'orderId'], ['2fast', '_2fast'],
  ['airports', 'airports'], ['a b', 'aB'], ['', '_'],
])('%j is the field %j', (name, field) => {
  expect(camelCase(name)).toBe(field)
})

test('types are in PascalCase', () => {
  expect(pascalCase('busiest_route')).toBe('BusiestRoute')
})

test('the nearest known name is proposed, and none where none is near', () => {
  expect(nearest('airprots', ['airports', 'airlines', 'planes'])).toEqual(['airports'])
  expect(didYouMean('ariports', ['airports'])).toBe(' Did you mean "airports"?')
  expect(didYouMean('flights', ['people'])).toBe('')
  expect(didYouMean('colum', ['column', 'columns'])).toBe(' Did you mean "column"?')
})
