import 'graphiql/setup-workers/vite'
import 'graphiql/style.css'
import './main.css'
import { GraphiQL } from 'graphiql'
import { createRoot } from 'react-dom/client'
import { fetcher } from './fetcher.js'

const root = document.getElementById('root')
const link = new URLSearchParams(location.search)
const given = link.get('query') ? { initialQuery: link.get('query'), initialVariables: link.get('variables') ?? '' } : {}
if (root) createRoot(root).render(<GraphiQL fetcher={fetcher} {...given} />)
