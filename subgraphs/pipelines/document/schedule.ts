import { textElement } from '../xml/shape.ts'
import { cron } from '../xml/text-types.ts'

export const schedule = textElement('schedule', cron, 'When it runs, in UTC: minute, hour, day of the month, month, day of the week.')
