/** The Temporal namespace of this project. */
export const NAMESPACE = 'zvm';
