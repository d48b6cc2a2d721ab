// Two issuers in one process: `plain` speaks OpenID Connect as most do, `ftn` as the Finnish Trust Network does.
// Everything is the library's own but the page where a person says who they are, and the tokens that the tests ask
// to be spoilt: those are made here, with the provider's real key, from what the provider itself would have said.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const settings = JSON.parse(process.env.PROVIDER_SETTINGS);
const wanted = createRequire(join(settings.modules, 'index.js'));
const { Provider } = await import(pathToFileURL(wanted.resolve('oidc-provider')));
const jose = await import(pathToFileURL(createRequire(wanted.resolve('oidc-provider')).resolve('jose')));

const keysOf = async (kid) => {
  const { privateKey } = await jose.generateKeyPair('RS256', { extractable: true });
  return { ...(await jose.exportJWK(privateKey)), kid, use: 'sig', alg: 'RS256' };
};

let spoilt = {};

async function spoiltToken(token, provider, keys) {
  const now = Math.floor(Date.now() / 1000);
  const payload = await token.payload();
  const claims = { ...payload, iss: provider.issuer, aud: token.client.clientId, iat: now, exp: now + 300 };
  if (spoilt.older) claims.auth_time -= spoilt.older;
  Object.assign(claims, spoilt.claims);
  for (const name of spoilt.without ?? []) delete claims[name];
  const key = spoilt.key === 'rogue' ? keys.rogue : keys.own;
  const signed =
    spoilt.alg === 'none'
      ? new jose.UnsecuredJWT(claims).encode()
      : await new jose.SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: key.kid }).sign(await jose.importJWK(key, 'RS256'));
  const { idTokenEncryptedResponseAlg: alg, idTokenEncryptedResponseEnc: enc } = token.client;
  if (!alg || spoilt.bare) return signed;
  const to = spoilt.sealedTo === 'rogue' ? keys.rogue : token.client.jwks.keys.find((one) => one.use === 'enc');
  const { kty, n, e } = to;
  return new jose.CompactEncrypt(new TextEncoder().encode(signed))
    .setProtectedHeader({ alg, enc, cty: 'JWT' })
    .encrypt(await jose.importJWK({ kty, n, e }, alg));
}

async function issuer({ port, client, acr }) {
  const keys = { own: await keysOf(`own-${port}`), rogue: await keysOf(`own-${port}`) };
  const ftn = client.token_endpoint_auth_method === 'private_key_jwt';
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [client],
    jwks: { keys: [keys.own] },
    cookies: { keys: [randomUUID()] },
    acrValues: acr,
    claims: { openid: ['sub', 'customer_no', 'urn:oid:1.2.246.21'] },
    conformIdTokenClaims: false,
    extraParams: ['ftn_spname'],
    features: {
      devInteractions: { enabled: false },
      encryption: { enabled: ftn },
      requestObjects: { enabled: ftn, requireSignedRequestObject: ftn },
    },
    enabledJWA: { idTokenEncryptionAlgValues: ['RSA-OAEP'], idTokenEncryptionEncValues: ['A128CBC-HS256'] },
    findAccount: (_ctx, id) => ({
      accountId: id,
      claims: async () => ({ sub: id, customer_no: id, 'urn:oid:1.2.246.21': id }),
    }),
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    async loadExistingGrant(ctx) {
      const { client: asking, session } = ctx.oidc;
      const grant = new ctx.oidc.provider.Grant({ clientId: asking.clientId, accountId: session.accountId });
      grant.addOIDCScope('openid');
      await grant.save();
      return grant;
    },
  });
  const issue = provider.IdToken.prototype.issue;
  provider.IdToken.prototype.issue = function issued(how) {
    return how.use === 'idtoken' && Object.keys(spoilt).length ? spoiltToken(this, provider, keys) : issue.call(this, how);
  };
  const library = provider.callback();
  const bodyOf = async (req) => {
    let body = '';
    for await (const chunk of req) body += chunk;
    return body;
  };
  createServer(async (req, res) => {
    if (req.url === '/spoil') {
      spoilt = JSON.parse(await bodyOf(req));
      res.end('{}');
    } else if (req.url.startsWith('/interaction/')) {
      try {
        const { params, prompt } = await provider.interactionDetails(req, res);
        if (req.method === 'GET') {
          res.setHeader('Content-Type', 'text/html; charset=utf-8');
          res.end(
            `<!doctype html><html lang="en"><title>Log in</title><h1>Log in to ${params.ftn_spname ?? 'the portal'}</h1>` +
              `<form method="post"><label>Who <input name="who"></label><button>Log in</button></form>`,
          );
          return;
        }
        const who = new URLSearchParams(await bodyOf(req)).get('who');
        const level = (params.acr_values ?? '').split(' ')[0];
        const login = { accountId: who, ...(level && { acr: level }), amr: ['bank'] };
        const result = prompt.name === 'login' && who ? { login } : { error: 'access_denied' };
        await provider.interactionFinished(req, res, result);
      } catch (error) {
        res.statusCode = 400;
        res.end(String(error));
      }
    } else {
      library(req, res);
    }
  }).listen(port, '127.0.0.1');
}

for (const one of settings.issuers) await issuer(one);
