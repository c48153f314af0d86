import { openGitDefinitions } from '../../connectors/definitions/index.ts'
import { systemClock } from '../../connectors/ports/scope.ts'
import { hubScope } from '../../gateway/assembly/scope.ts'
import { openLog } from '../../gateway/telemetry/log.ts'

/** A process of its own that puts so many documents into a folder: `FOLDER NAME COUNT`. */
const [folder = '', name = '', count = '0'] = process.argv.slice(2)
const store = openGitDefinitions(folder)
const scope = hubScope({ clock: systemClock, log: openLog({ level: 'silent' }), signal: new AbortController().signal, later: work => void work() }, 'writer', 50_000)
// The clock's timers keep no process alive.
const awake = setInterval(() => {}, 60_000)
for (let nth = 0; nth < Number(count); nth++) {
  const files = new Map([[`applications/shop/service/pipelines/${name}${nth}.xml`, `<p n="${name}${nth}"/>`]])
  await store.alone(scope, writer => writer.change(scope, { files, message: `${name}${nth}`, author: name, trailers: {} }))
}
clearInterval(awake)
