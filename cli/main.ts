import { createProgram } from './program.ts';

/** `zvmnet`: the operator's command. */
await createProgram().parseAsync();
