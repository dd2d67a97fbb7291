import type { Context } from 'hono';
import { messageOf } from '../../domain/text/error-message.ts';
import type { App } from '../http/routing.ts';
import type { Login } from '../oidc/oidc.ts';
import type { GatewayOptions } from '../options.ts';

/**
 * Tells the picture by which identity providers it can log in. `origins` are those that the page may fetch tokens from, for the header that
 * comes with the page.
 */
export function loginRoute(app: App, { oidc, log }: GatewayOptions): { origins: (context: Context) => string } {
  let known: Login[] = [];
  const read = async (): Promise<Login[]> => {
    known =
      (await oidc?.logins((issuer, error) =>
        log(
          'error',
          { issuer, reason: messageOf(error) },
          'identity provider does not answer: nobody can log in by it',
        ),
      )) ?? [];
    return known;
  };
  app.use('/', async (_context, next) => {
    await read();
    return next();
  });
  app.get('/page/login.json', async (context) => {
    context.header('cache-control', 'no-store');
    return context.json({ logins: await read() });
  });
  return { origins: () => [...new Set(known.map(({ tokenEndpoint }) => new URL(tokenEndpoint).origin))].join(' ') };
}
