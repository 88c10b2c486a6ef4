// Concert from a frontend's side. `npm ci && npm test`, with CONCERT_URL set to a running server's GraphQL address and
// CONCERT_BIN to the program; without them, what needs them is left out.
// Each part is a file of its own and can be run alone: `node --test lint.mjs`.
import './http.mjs';
import './lint.mjs';
import './oidc.mjs';
import './relay.mjs';
import './typescript.mjs';
