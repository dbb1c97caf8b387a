// Node's own WASI. It says on standard error that it is experimental when it is
// loaded; only that is silenced: loading is one synchronous step, in which
// nothing else has anything to say.
import { createRequire } from 'node:module'

const { emitWarning } = process
process.emitWarning = () => {}
export const { WASI } = createRequire(import.meta.url)('node:wasi')
process.emitWarning = emitWarning
