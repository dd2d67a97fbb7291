import { enableCompileCache } from 'node:module';

/** `zvmnet`: the operator's command. Half of its time goes into loading: what was compiled once is kept. */
enableCompileCache();
const { createProgram } = await import('./program.ts');
await createProgram().parseAsync();
