"""The contract without federation: what a client sees, in a form that every tool reads.

Tools that are strict (`buildSchema`, linters, code generators) know no directive that nobody defines, and a schema for
a gateway takes its directives from a link.
"""

from __future__ import annotations

from typing import Any

from graphql import (
    REMOVE,
    DirectiveNode,
    DocumentNode,
    FieldDefinitionNode,
    Visitor,
    parse,
    print_ast,
    specified_directives,
    visit,
)

STANDARD = frozenset(directive.name for directive in specified_directives)
OF_A_GATEWAY = "_"
"""With this letter begin the fields and types that only a gateway asks for."""


class _WithoutFederation(Visitor):
    def enter(self, node: Any, *_: Any) -> Any:
        """Definitions of directives, and the link to federation's, go; so does whatever uses them."""
        if node.kind in {"schema_extension", "schema_definition", "directive_definition"}:
            return REMOVE
        if isinstance(node, DirectiveNode):
            return None if node.name.value in STANDARD else REMOVE
        is_named = isinstance(node, FieldDefinitionNode) or node.kind.endswith("_type_definition")
        return REMOVE if is_named and node.name.value.startswith(OF_A_GATEWAY) else None


def api_schema(sdl: str) -> str:
    """`sdl` is the contract as a gateway reads it."""
    plain: DocumentNode = visit(parse(sdl), _WithoutFederation())
    return f"{print_ast(plain)}\n"
