"""Calls tools of an MCP server over Streamable HTTP with the official Python client.

Decides nothing: it connects with a key, lists the tools, makes the calls it is told to make, one after the other, and
prints what came of it as one line of JSON. A denial is a result like any other here: the call has `isError` set, and the
text says why. Ends with 1 if the server could not be spoken to at all.

    python call_tools.py http://127.0.0.1:8080/mcp KEY echo '{"text": "hello"}'
    python call_tools.py http://127.0.0.1:8080/mcp KEY --lifecycle sessions echo '{"text": "hello"}' count '{}'
"""

import argparse
import asyncio
import json
import sys
from importlib.metadata import version

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.types import ElicitResult

LIFECYCLES = {"auto": "auto", "stateless": "2026-07-28", "sessions": "legacy"}


def arguments():
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("key", help="sent as a bearer token; an empty one is not sent")
    parser.add_argument("calls", nargs="*", metavar="TOOL ARGUMENTS", help="a tool and its arguments as JSON, repeated")
    parser.add_argument("--lifecycle", choices=LIFECYCLES, default="auto")
    parser.add_argument("--answer", type=json.loads, help="what to answer to a server that asks, as JSON; declines without")
    parsed = parser.parse_intermixed_args()
    if len(parsed.calls) % 2:
        parser.error("every TOOL needs its ARGUMENTS")
    return parsed


async def call(client, tool, tool_arguments):
    """What one call came to."""
    try:
        result = await client.call_tool(tool, tool_arguments)
    except MCPError as error:
        return {"tool": tool, "error": {"code": error.error.code, "message": error.error.message}}
    content = [block.model_dump(mode="json", by_alias=True, exclude_none=True) for block in result.content]
    return {
        "tool": tool,
        "isError": bool(result.is_error),
        "content": content,
        "structuredContent": result.structured_content,
    }


async def main():
    """Makes the calls and prints what came of them."""
    told = arguments()

    async def answer(_context, _question):
        if told.answer is None:
            return ElicitResult(action="decline")
        return ElicitResult(action="accept", content=told.answer)

    headers = {"Authorization": f"Bearer {told.key}"} if told.key else {}
    # A proxy of the environment is for the world outside, not for the server that was named.
    async with httpx2.AsyncClient(headers=headers, trust_env=False, timeout=httpx2.Timeout(30, read=300)) as http:
        transport = streamable_http_client(told.url, http_client=http)
        async with Client(transport, mode=LIFECYCLES[told.lifecycle], elicitation_callback=answer) as client:
            tools, cursor = [], None
            while True:
                page = await client.list_tools(cursor=cursor)
                tools += [tool.name for tool in page.tools]
                cursor = page.next_cursor
                if cursor is None:
                    break
            pairs = zip(told.calls[::2], told.calls[1::2], strict=True)
            calls = [await call(client, tool, json.loads(given)) for tool, given in pairs]
            line = {
                "client": f"mcp {version('mcp')} (Python)",
                "protocol": client.protocol_version,
                "tools": tools,
                "calls": calls,
            }
    print(json.dumps(line, ensure_ascii=False))


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except* Exception as failures:
        causes = list(failures.exceptions)
        while causes and isinstance(causes[0], BaseExceptionGroup):
            causes = list(causes[0].exceptions)
        print(f"the server could not be spoken to: {causes[0]!r}", file=sys.stderr)
        sys.exit(1)
