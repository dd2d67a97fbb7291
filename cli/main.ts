import { enableCompileCache } from 'node:module';
import { endWhenOutputBreaks } from '../command-line/broken-output.ts';

/** `zvmnet`: the operator's command. Half of its time goes into loading: what was compiled once is kept. */
enableCompileCache();
endWhenOutputBreaks('zvmnet');
const { runProgram } = await import('./program.ts');
await runProgram();
