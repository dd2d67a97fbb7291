import { handle } from 'hono/aws-lambda';
import { createGateway } from './app.ts';
import type { GatewayOptions } from './options.ts';

/** The gateway behind a serverless API gateway (AWS API Gateway, REST and HTTP APIs, and function URLs). */
export function createLambdaHandler(options: GatewayOptions): ReturnType<typeof handle> {
  return handle(createGateway(options));
}
