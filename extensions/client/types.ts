import openapiTS, { astToString } from 'openapi-typescript';

/** The API's types in TypeScript, as an OpenAPI document describes them. */
export async function typesOf(document: object): Promise<string> {
  // A field with a default may be left out of a request.
  const types = await openapiTS(JSON.stringify(document), { defaultNonNullable: false });
  return `// Made from the OpenAPI document of the gateway.\n${astToString(types)}`;
}
