// An agent that works on runs over the API, with fetch and the official MCP client and nothing else.
//
// It claims runs with a key that has the scope runs:work, keeps their leases, looks something up with a tool - in the run, by
// showing its lease -, records what its model would have used, and ends the run with an answer. Ends after so many runs.
//
//     node agent.ts http://127.0.0.1:8080 KEY look_up__shop --runs 1

import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const LEASE_SECONDS = 30;
const IDLE_MS = 200;

type Run = { run_id: string; lease: string; input: { text: string } };
type Ended = { state: string };

const { values, positionals } = parseArgs({ allowPositionals: true, options: { runs: { type: 'string', default: '1' } } });
const [gateway, key, tool] = positionals;
if (gateway === undefined || key === undefined || tool === undefined) {
  console.error('usage: agent.ts GATEWAY KEY TOOL [--runs N]');
  process.exit(2);
}

/** What an operation answers; throws the problem document of one that is refused. */
async function ask<T>(path: string, credential: string, args: object): Promise<T> {
  const reply = await fetch(gateway + path, {
    method: 'POST',
    headers: { Authorization: `Bearer ${credential}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(args),
  });
  const body = await reply.json();
  if (!reply.ok) throw new Error(body.code, { cause: body });
  return body as T;
}

/** The text of a tool's result. The lease is the credential: the call is the run's. */
async function callTool(lease: string, args: Record<string, unknown>): Promise<string> {
  const headers = { Authorization: `Bearer ${lease}` };
  const client = new Client({ name: 'awooop-example-agent', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
  await client.connect(new StreamableHTTPClientTransport(new URL('/v1/mcp', gateway), { requestInit: { headers } }));
  try {
    const result = await client.callTool({ name: tool!, arguments: args });
    const text = result.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
    if (result.isError) throw new Error('tool_failed', { cause: text });
    return text;
  } finally {
    await client.close();
  }
}

/** Keeps the run's lease, until told to stop. */
async function keep(run: Run, stop: AbortSignal): Promise<void> {
  for (;;) {
    await sleep((LEASE_SECONDS * 1000) / 3, undefined, { signal: stop });
    const held = { lease: run.lease, lease_seconds: LEASE_SECONDS };
    await ask(`/v1/platform/runs/${run.run_id}/heartbeat`, key!, held);
  }
}

/** What the agent says. A model would be asked here. */
async function answer(run: Run): Promise<object> {
  const found = await callTool(run.lease, {});
  const step = { step_key: 'model', kind: 'llm', result: { said: found }, tokens: 42 };
  await ask(`/v1/platform/runs/${run.run_id}/steps`, run.lease, step);
  return { answer: `${run.input.text} ${found}` };
}

/** Ends one run, with an answer or with why there is none. */
async function work(run: Run): Promise<Ended> {
  const place = `/v1/platform/runs/${run.run_id}`;
  const done = new AbortController();
  keep(run, done.signal).catch(() => undefined);
  try {
    const output = await answer(run);
    return await ask<Ended>(`${place}/complete`, key!, { lease: run.lease, result: output });
  } catch (error) {
    const message = error instanceof Error ? error.message : 'unknown';
    const failure = { lease: run.lease, error_code: 'worker_error', message, retryable: true };
    return await ask<Ended>(`${place}/fail`, key!, failure);
  } finally {
    done.abort();
  }
}

const ended: string[] = [];
while (ended.length < Number(values.runs)) {
  const claim = { worker_id: 'typescript', max_runs: 1, lease_seconds: LEASE_SECONDS };
  const { runs } = await ask<{ runs: Run[] }>('/v1/platform/runs/claim', key, claim);
  if (runs.length === 0) await sleep(IDLE_MS);
  for (const run of runs) ended.push((await work(run)).state);
}
console.log(JSON.stringify({ ended }));
