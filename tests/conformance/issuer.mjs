// An OpenID Connect issuer on this machine, a process of its own: `node issuer.mjs PORT KEYS`. KEYS are private JWKs. It gives
// access tokens to programs, as JWT (RFC 9068), and prints one line once it listens.
import Provider from 'oidc-provider';

const [port, keys] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const client = (id) => ({
  client_id: id,
  client_secret: `${id}-secret`,
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
});
// Whom each program acts for: the claims of its tokens.
const people = {
  ada: { email: 'ada@example.org', email_verified: true },
  unverified: { email: 'ada@example.org', email_verified: false },
  stranger: { email: 'eve@example.org', email_verified: true },
};
const provider = new Provider(issuer, {
  jwks: { keys: JSON.parse(keys) },
  clients: Object.keys(people).map((id) => client(id)),
  extraTokenClaims: (_, token) => people[token.clientId],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, resource) => ({
        scope: '',
        audience: resource.split(':')[1],
        accessTokenFormat: 'jwt',
        accessTokenTTL: resource.endsWith('short') ? 1 : 600,
        jwt: { sign: { alg: resource.endsWith('rsa') ? 'RS256' : 'ES256' } },
      }),
    },
  },
});
provider.listen(Number(port), '127.0.0.1', () => console.log(`listening as ${issuer}`));
