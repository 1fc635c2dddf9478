"""JSON Schemas that every provider of models takes: no titles, no references, no unions."""

from typing import Any, cast

from steersman.core.events import JsonObject


def plain_schema(schema: JsonObject) -> JsonObject:
    """Put definitions where they are referred to, and drop the titles that pydantic adds.

    For schemas that end: a type must not hold itself.
    """
    definitions: JsonObject = schema.pop("$defs", {})
    return cast(JsonObject, _plain(schema, definitions))


def _plain(value: Any, definitions: JsonObject) -> Any:
    if isinstance(value, list):
        return [_plain(item, definitions) for item in cast(list[Any], value)]
    if not isinstance(value, dict):
        return value
    schema = cast(JsonObject, value)
    if reference := schema.get("$ref"):
        rest = {key: part for key, part in schema.items() if key != "$ref"}
        found: JsonObject = definitions[reference.removeprefix("#/$defs/")]
        return _plain({**found, **rest}, definitions)
    return {
        # A title that is no text is the schema of a property by that name.
        key: _plain(part, definitions)
        for key, part in schema.items()
        if key != "title" or not isinstance(part, str)
    }
