export type { components, paths } from './api.js';
export { type ClientOptions, createClient, type ZvmClient } from './client.ts';
export { type Operation, OperationFailed, OperationOpen, type Waiting } from './operation.ts';
export { type FieldProblem, ZvmProblem } from './problem.ts';
