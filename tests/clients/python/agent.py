"""An agent that works on runs over the API, with an HTTP client and the official MCP client and nothing else.

It claims runs with a key that has the scope runs:work, keeps their leases, looks something up with a tool - in the run, by
showing its lease -, records what its model would have used, and ends the run with an answer. Ends after so many runs.

    python agent.py http://127.0.0.1:8080 KEY look_up__shop --runs 1
"""

import argparse
import asyncio
import json
import sys

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

LEASE_SECONDS = 30
IDLE_SECONDS = 0.2


class Refused(Exception):
    """What the platform has refused: a problem document."""

    def __init__(self, problem):
        super().__init__(problem.get("code", "unknown"))
        self.problem = problem


async def ask(http, path, credential, arguments):
    """What an operation answers."""
    reply = await http.post(path, json=arguments, headers={"Authorization": f"Bearer {credential}"})
    if reply.status_code >= 400:
        raise Refused(reply.json())
    return reply.json()


async def call_tool(gateway, lease, tool, arguments):
    """The text of a tool's result. The lease is the credential: the call is the run's."""
    headers = {"Authorization": f"Bearer {lease}"}
    async with httpx2.AsyncClient(headers=headers, trust_env=False, timeout=30) as http:
        transport = streamable_http_client(f"{gateway}/v1/mcp", http_client=http)
        async with Client(transport) as client:
            result = await client.call_tool(tool, arguments)
    text = "".join(block.text for block in result.content if block.type == "text")
    if result.is_error:
        raise Refused({"code": "tool_failed", "detail": text})
    return text


async def keep(http, key, run):
    """Keeps the run's lease, until cancelled."""
    while True:
        await asyncio.sleep(LEASE_SECONDS / 3)
        place = f"/v1/platform/runs/{run['run_id']}/heartbeat"
        await ask(http, place, key, {"lease": run["lease"], "lease_seconds": LEASE_SECONDS})


async def answer(http, gateway, run, tool):
    """What the agent says. A model would be asked here."""
    found = await call_tool(gateway, run["lease"], tool, {})
    step = {"step_key": "model", "kind": "llm", "result": {"said": found}, "tokens": 42}
    await ask(http, f"/v1/platform/runs/{run['run_id']}/steps", run["lease"], step)
    return {"answer": f"{run['input']['text']} {found}"}


async def work(http, gateway, key, run, tool):
    """Ends one run, with an answer or with why there is none."""
    place, lease = f"/v1/platform/runs/{run['run_id']}", run["lease"]
    beat = asyncio.create_task(keep(http, key, run))
    try:
        output = await answer(http, gateway, run, tool)
        return await ask(http, f"{place}/complete", key, {"lease": lease, "result": output})
    except Refused as refused:
        failure = {"lease": lease, "error_code": "worker_error", "message": str(refused), "retryable": True}
        return await ask(http, f"{place}/fail", key, failure)
    finally:
        beat.cancel()


async def main():
    """Works on as many runs as it was told to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gateway")
    parser.add_argument("key")
    parser.add_argument("tool")
    parser.add_argument("--runs", type=int, default=1)
    told = parser.parse_args()
    ended = []
    async with httpx2.AsyncClient(base_url=told.gateway, trust_env=False, timeout=30) as http:
        while len(ended) < told.runs:
            claim = {"worker_id": "python", "max_runs": 1, "lease_seconds": LEASE_SECONDS}
            runs = (await ask(http, "/v1/platform/runs/claim", told.key, claim))["runs"]
            if not runs:
                await asyncio.sleep(IDLE_SECONDS)
            for run in runs:
                ended.append(await work(http, told.gateway, told.key, run, told.tool))
    print(json.dumps({"ended": [run["state"] for run in ended]}))


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except Refused as refused:
        print(json.dumps(refused.problem), file=sys.stderr)
        sys.exit(1)
