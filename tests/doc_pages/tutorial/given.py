# An endpoint of chat completions whose model is the page's own.
def answer(body):
    from model import complete

    message = {"role": "assistant", "content": complete(body["messages"])}
    return 200, {}, {"choices": [{"message": message}], "usage": {"prompt_tokens": 60, "completion_tokens": 20}}


server = fixture("json_server")
server.answer = answer
fixture("monkeypatch").setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{server.port}/v1")
