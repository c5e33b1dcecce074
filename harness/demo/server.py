"""A small server that speaks both hosted protocols on loopback: OpenAI's chat completions and Anthropic's messages.

    python -m harness.demo.server --model demo-closed

It prints one line of JSON (``url``, ``engine``) when it listens, answers with a bundled model, and ends when its
standard input closes, so that it never outlives the run that started it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from typing import Any

from aiohttp import web

from harness.errors import AttemptFailed, ContextTooLong
from harness.models.base import Model
from harness.models.local import identify
from harness.models.transformers_engine import TransformersModel
from harness.types import Completion, Message, Request, Sampling, System

MODELS = ("demo-open", "demo-closed")


def bundled_model(name: str) -> Model:
    """One of the two bundled models, run by transformers in this process."""
    system = System(name, name, "OpenGap", "closed", "transformers", f"demo/weights/{name}")
    return TransformersModel(identify(system))


def application(model: Model, name: str) -> web.Application:
    """The server's routes over one model that has been started."""
    app = web.Application()

    async def complete(body: dict[str, Any], messages: list[Message], limit: int) -> Completion:
        sampling = Sampling(body.get("temperature"), body.get("top_p"), body.get("top_k"), body.get("seed"))
        return await model.generate(Request("", "", 0, tuple(messages), limit, sampling, ""))

    async def chat(request: web.Request) -> web.Response:
        body = await _body(request, name)
        messages = [Message(turn["role"], _text(turn["content"])) for turn in body["messages"]]
        limit = int(body.get("max_completion_tokens") or body.get("max_tokens") or 256)
        done = await complete(body, messages, limit)
        return web.json_response(
            {
                "id": "chatcmpl-demo",
                "object": "chat.completion",
                "created": int(time.time()),
                "model": name,
                "choices": [
                    {
                        "index": 0,
                        "message": {"role": "assistant", "content": done.text},
                        "finish_reason": done.finish_reason,
                    }
                ],
                "usage": {
                    "prompt_tokens": done.usage.input,
                    "completion_tokens": done.usage.output,
                    "total_tokens": (done.usage.input or 0) + (done.usage.output or 0),
                },
            }
        )

    async def messages(request: web.Request) -> web.Response:
        body = await _body(request, name)
        turns = [Message(turn["role"], _text(turn["content"])) for turn in body["messages"]]
        if body.get("system"):
            turns.insert(0, Message("system", _text(body["system"])))
        done = await complete(body, turns, int(body["max_tokens"]))
        return web.json_response(
            {
                "id": "msg_demo",
                "type": "message",
                "role": "assistant",
                "model": name,
                "content": [{"type": "text", "text": done.text}],
                "stop_reason": "max_tokens" if done.finish_reason == "length" else "end_turn",
                "usage": {"input_tokens": done.usage.input, "output_tokens": done.usage.output},
            }
        )

    async def models(request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": name, "object": "model", "owned_by": "opengap"}]})

    app.add_routes(
        [
            web.post("/v1/chat/completions", chat),
            web.post("/v1/messages", messages),
            web.get("/v1/models", models),
        ]
    )
    app.middlewares.append(_errors)
    return app


@web.middleware
async def _errors(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        response: web.StreamResponse = await handler(request)
    except ContextTooLong as error:
        return _error(400, "invalid_request_error", f"maximum context length exceeded: {error}")
    except (KeyError, TypeError, ValueError) as error:
        return _error(400, "invalid_request_error", f"malformed request: {error!r}")
    except AttemptFailed as error:
        return _error(500, "api_error", str(error))
    return response


def _error(status: int, kind: str, message: str) -> web.Response:
    return web.json_response({"type": "error", "error": {"type": kind, "message": message}}, status=status)


async def _body(request: web.Request, name: str) -> dict[str, Any]:
    body = json.loads(await request.text())
    if body.get("model") != name:
        text = json.dumps(
            {"error": {"type": "not_found_error", "message": f"no model {body.get('model')!r}; here: {name}"}}
        )
        raise web.HTTPNotFound(text=text, content_type="application/json")
    return dict(body)


def _text(content: Any) -> str:
    """Content as a string, or as a list of text parts."""
    if isinstance(content, str):
        return content
    if any(part.get("type") != "text" for part in content):
        raise ValueError("this model takes text alone")
    return "".join(str(part["text"]) for part in content)


async def serve(name: str) -> None:
    """Listen on a free loopback port until standard input closes."""
    model = bundled_model(name)
    await model.start()
    runner = web.AppRunner(application(model, name), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    print(json.dumps({"url": f"http://127.0.0.1:{port}/v1", "engine": model.describe()}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()
    await model.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="serve one bundled demo model on loopback")
    parser.add_argument("--model", choices=MODELS, default="demo-closed")
    asyncio.run(serve(parser.parse_args().model))


if __name__ == "__main__":
    main()
