import { enableCompileCache } from 'node:module';

/** `zvmnet`: the operator's command. Half of its time goes into loading: what was compiled once is kept. */
enableCompileCache();
// Whoever reads has seen enough, as `head` has.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});
const { createProgram } = await import('./program.ts');
await createProgram().parseAsync();
