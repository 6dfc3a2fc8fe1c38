// Calls tools of an MCP server over Streamable HTTP with the official TypeScript clients.
//
// Decides nothing: it connects with a key, lists the tools, makes the calls it is told to make, one after the other, and
// prints what came of it as one line of JSON. A denial is a result like any other here: the call has `isError` set, and
// the text says why. Ends with 1 if the server could not be spoken to at all.
//
//     node call_tools.js http://127.0.0.1:8080/mcp KEY echo '{"text": "hello"}'
//     node call_tools.js http://127.0.0.1:8080/mcp KEY --lifecycle sessions --sdk 1 echo '{"text": "hello"}'

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

// Version 1 knows sessions only.
const LIFECYCLES = { auto: 'auto', stateless: { pin: '2026-07-28' }, sessions: 'legacy' };
const USAGE = 'usage: call_tools.js URL KEY [--lifecycle auto|stateless|sessions] [--sdk 1|2] [--answer JSON] [TOOL ARGUMENTS]...';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    lifecycle: { type: 'string', default: 'auto' },
    sdk: { type: 'string', default: '2' },
    // What to answer to a server that asks; declines without.
    answer: { type: 'string' },
  },
});
const [url, key, ...calls] = positionals;
const known = values.lifecycle in LIFECYCLES && ['1', '2'].includes(values.sdk);
if (url === undefined || key === undefined || calls.length % 2 === 1 || !known) {
  console.error(USAGE);
  process.exit(2);
}

/** The classes of either version, and the name of the package they are from. */
async function library() {
  if (values.sdk === '1') {
    const { Client } = await import('@modelcontextprotocol/sdk/client/index.js');
    const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js');
    const { ElicitRequestSchema } = await import('@modelcontextprotocol/sdk/types.js');
    return { Client, StreamableHTTPClientTransport, question: ElicitRequestSchema, name: '@modelcontextprotocol/sdk' };
  }
  const { Client, StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client');
  return { Client, StreamableHTTPClientTransport, question: 'elicitation/create', name: '@modelcontextprotocol/client' };
}

/** A package's version, as installed. */
function version(name) {
  return JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url))).version;
}

/** What one call came to. */
async function call(client, tool, given) {
  try {
    const result = await client.callTool({ name: tool, arguments: given });
    const { isError = false, content, structuredContent = null } = result;
    return { tool, isError, content, structuredContent };
  } catch (error) {
    if (typeof error.code !== 'number') throw error;
    return { tool, error: { code: error.code, message: error.message } };
  }
}

async function main() {
  const { Client, StreamableHTTPClientTransport, question, name } = await library();
  const client = new Client(
    { name: 'awooop-client-typescript', version: '1.0.0' },
    { capabilities: { elicitation: {} }, versionNegotiation: { mode: LIFECYCLES[values.lifecycle] } },
  );
  client.setRequestHandler(question, () =>
    values.answer === undefined ? { action: 'decline' } : { action: 'accept', content: JSON.parse(values.answer) },
  );
  const headers = key === '' ? {} : { Authorization: `Bearer ${key}` };
  const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
  await client.connect(transport);
  const tools = [];
  let cursor;
  do {
    const page = await client.listTools(cursor === undefined ? undefined : { cursor });
    tools.push(...page.tools.map((tool) => tool.name));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  const made = [];
  for (let place = 0; place < calls.length; place += 2) {
    made.push(await call(client, calls[place], JSON.parse(calls[place + 1])));
  }
  const protocol = client.getNegotiatedProtocolVersion?.() ?? transport.protocolVersion;
  if (transport.sessionId !== undefined) await transport.terminateSession();
  await client.close();
  console.log(JSON.stringify({ client: `${name} ${version(name)}`, protocol, tools, calls: made }));
}

main().catch((error) => {
  console.error(`the server could not be spoken to: ${error.message}`);
  process.exit(1);
});
