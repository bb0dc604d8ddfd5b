"""What this house uses of strawberry and graphql-core beyond what they document. No other file of it does so.

Either library may change any of this in any release. `CHECKED` names the versions that this file was read against, and
`tests/graphql/test_internals.py` fails with other ones. Then somebody looks again:

1. Read each part below beside the file of the installed package that its comment names.
2. Run tests/graphql and tests/privacy. `engine/test_plans.py` compares answers with graphql-core's own executor, and
   `engine/test_variables.py` what it makes of variables;
   `engine/test_documents.py` and tests/privacy/silence fail when a message is worded anew and repeats a value.
3. Run `make bench` before and after: the executor, the direct resolvers and the names stand here for their speed.
4. Write the new versions into `CHECKED`.
"""

from __future__ import annotations

import asyncio
import re
from abc import abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import MISSING
from enum import StrEnum
from functools import cache, lru_cache
from inspect import iscoroutinefunction
from types import MappingProxyType
from typing import Any, Protocol

import strawberry
from graphql import (
    SKIP,
    ExecutionResult,
    Executor,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLArgument,
    GraphQLError,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    ValueNode,
    ValuesOfCorrectTypeRule,
    VariableDefinitionNode,
    VariableValues,
    create_source_event_stream,
    default_field_resolver,
    default_type_resolver,
    get_nullable_type,
)
from graphql.execution.collect_fields import FragmentDetails
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.execution.values import VariableValueSource
from graphql.pyutils import gather_with_cancel
from graphql.utilities.coerce_input_value import coerce_default_value
from strawberry.execution import optimized_is_awaitable
from strawberry.federation.schema import FederationAny
from strawberry.schema.name_converter import NameConverter
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.base import StrawberryMaybe
from strawberry.types.field import StrawberryField
from strawberry.types.maybe import Some
from strawberry.utils.str_converters import to_camel_case

from app.server.slices import SLICE, sliced

CHECKED = MappingProxyType({"strawberry-graphql": "0.341.2", "graphql-core": "3.3.2"})

_DEFINITION = GraphQLCoreConverter.DEFINITION_BACKREF
"""Under this key strawberry keeps its own definition of a type or field in graphql-core's `extensions`."""
_RESOLVER = "pemudik-resolver"


# --- the schema: strawberry/schema/schema.py, strawberry/schema/schema_converter.py -----------------------------------


def executable(schema: strawberry.Schema) -> GraphQLSchema:
    """What graphql-core executes. Strawberry has no public name for it."""
    made = schema._schema  # noqa: SLF001
    _check_one_of(made)
    _resolve_directly(made)
    _print_once(made, schema.as_str)
    return made


def _print_once(made: GraphQLSchema, printed: Callable[[], str]) -> None:
    """Strawberry prints the schema for each `_service { sdl }`: 40 ms, and an operation may ask for it 100 times."""
    kept = cache(printed)
    made.type_map["_Service"].fields["sdl"].resolve = lambda _service, _info: kept()  # type: ignore[attr-defined]


def _check_one_of(schema: GraphQLSchema) -> None:
    """Strawberry checks @oneOf by itself. Introspection and validation are graphql-core's, which has to be told."""
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLInputObjectType) and type_.extensions[_DEFINITION].is_one_of:
            type_.is_one_of = True


def _resolve_directly(schema: GraphQLSchema) -> None:
    """graphql-core makes the arguments of root fields, and their input objects, as the resolvers take them. Strawberry
    would convert each value once more.
    """
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLInputObjectType):
            _make_directly(type_)
    for root in (schema.query_type, schema.mutation_type):
        for field in root.fields.values() if root else ():
            definition: StrawberryField = field.extensions[_DEFINITION]
            function = definition.base_resolver.wrapped_func if definition.base_resolver else None
            if function is not None and iscoroutinefunction(function):
                _name_arguments(field, definition)
                field.resolve = _direct(definition, function)
                field.extensions[_RESOLVER] = field.resolve


def _make_directly(type_: GraphQLInputObjectType) -> None:
    """What is left out, strawberry gives as the default of the class, or as None."""
    definition = type_.extensions[_DEFINITION]
    for field in definition.fields:
        type_.fields[_name_of(field)].out_name = field.python_name
    made = definition.origin
    left_out = {
        field.python_name: None
        for field in definition.fields
        if field.default_value is MISSING and field.default_factory is MISSING
    }
    perhaps = {field.python_name for field in definition.fields if isinstance(field.type, StrawberryMaybe)}

    def make(given: dict[str, Any]) -> Any:
        return made(**left_out | given)

    def make_perhaps(given: dict[str, Any]) -> Any:
        return make({name: Some(value) if name in perhaps else value for name, value in given.items()})

    type_.out_type = make_perhaps if perhaps else make  # type: ignore[assignment]


def _name_arguments(field: GraphQLField, definition: StrawberryField) -> None:
    for argument in definition.arguments:
        field.args[_name_of(argument)].out_name = argument.python_name


def _name_of(definition: Any) -> str:
    """The name in the schema of an argument or an input field."""
    name: str = definition.graphql_name or to_camel_case(definition.python_name)
    return name


def _direct(definition: StrawberryField, function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def resolve(resolved: Any, info: Any, **arguments: Any) -> Any:
        """The root value is None, or gives what this has given or raised before."""
        if resolved is not None:
            return await resolved()
        return await function(strawberry.Info(_raw_info=info, _field=definition), **arguments)

    return resolve


def directives_of(field: GraphQLField) -> Sequence[object]:
    """The federation directives that a field was declared with."""
    directives: Sequence[object] = getattr(field.extensions.get(_DEFINITION), "directives", ())
    return directives


def resolver_of(field: GraphQLField) -> Callable[..., Awaitable[Any]] | None:
    """A coroutine function of ours, which reads `info.context` alone. None: the field has another one, or none."""
    return field.extensions.get(_RESOLVER)


def attribute_of(field: GraphQLField) -> str | None:
    """The Python attribute that a field reads. None: the field has a resolver of its own."""
    if not getattr(field.resolve, "_is_default", False):
        return None
    name: str = field.extensions[_DEFINITION].python_name
    return name


def class_of(type_: GraphQLObjectType) -> type:
    """The Python class that was decorated as this type."""
    origin: type = type_.extensions[_DEFINITION].origin
    return origin


# --- enums: strawberry/types/enum.py ----------------------------------------------------------------------------------


def describe_members(vocabulary: type[StrEnum], descriptions: Mapping[str, str]) -> None:
    """Strawberry describes a member only where the enum is written, and ours are written in `app.models`."""
    for member in vocabulary.__strawberry_definition__.values:  # type: ignore[attr-defined]
        member.description = descriptions[member.name]


# --- names: strawberry/schema/name_converter.py -----------------------------------------------------------------------


class RememberedNames(NameConverter):
    """Strawberry's camel case, remembered: strawberry converts each name again for every argument of every request."""

    apply_naming_config = staticmethod(lru_cache(maxsize=None)(to_camel_case))


# --- federation's `_entities`: strawberry/federation/schema.py --------------------------------------------------------


class SchemaWithEntities(strawberry.federation.Schema):
    """Resolves `_entities` by a method of its own: strawberry's resolver checks neither keys nor scopes."""

    async def entities_resolver(  # type: ignore[override]
        self, info: strawberry.Info, representations: list[FederationAny]
    ) -> list[FederationAny]:
        return await self.resolve_entities(info.context, representations)  # type: ignore[return-value]

    @abstractmethod
    async def resolve_entities(self, context: Any, representations: Sequence[object]) -> list[object]:
        """An entity, None, or an error for each representation, in their order."""


# --- execution: graphql/execution/executor.py, strawberry/execution/ --------------------------------------------------


class Planner(Protocol):
    def plan(self, type_: Any, nodes: Sequence[FieldNode]) -> Callable[[Any], Any] | None:
        """A function that completes a value of `type_`. None: graphql-core has to."""


class PlanningExecutor(Executor[Any]):
    """graphql-core's executor of one request, which completes by a plan what has one."""

    operation_extensions = None
    # Strawberry's resolvers expect strawberry's kind of info.
    build_resolve_info: Any = StrawberryGraphQLCoreExecutionContext.build_resolve_info

    def __init__(self, *given: Any, planner: Planner, **named: Any) -> None:
        super().__init__(*given, **named)
        self.planner = planner

    async def complete_awaitable_value(
        self, return_type: Any, field_details_list: Any, info: Any, path: Any, result: Awaitable[Any], *position: Any
    ) -> Any:
        """The values of resolvers come in here: those of root fields, and what loaders bring."""
        plan = self.planner.plan(return_type, [details.node for details in field_details_list])
        try:
            resolved = await self.with_abort_signal(result)
            is_long = isinstance(resolved, list) and len(resolved) > SLICE
            if plan is not None:
                try:
                    return await planned(plan, resolved)
                except Exception:  # noqa: BLE001, S110 - graphql-core completes the value again, and words the error
                    pass
            if is_long:
                return await self._list_in_slices(return_type, field_details_list, info, path, resolved, *position)
            completed = self.complete_value(return_type, field_details_list, info, path, resolved, *position)
            return await completed if self.is_awaitable(completed) else completed
        except Exception as error:  # noqa: BLE001 - whatever a resolver raises belongs to its field
            self.handle_field_error(error, return_type, field_details_list, path)
            return None

    async def _list_in_slices(
        self, return_type: Any, field_details_list: Any, info: Any, path: Any, resolved: list[Any], *position: Any
    ) -> list[Any]:
        """As `complete_iterable_value` does it, which completes the whole list in one step of the process."""
        item_type = get_nullable_type(return_type).of_type
        completed: list[Any] = []
        waiting: list[int] = []
        try:
            async for place, item in sliced(list(enumerate(resolved))):
                at = path.add_key(place, None)
                if self.complete_list_item_value(item, completed, item_type, field_details_list, info, at, *position):
                    waiting.append(place)
        except Exception:
            self.settle_in_background([completed[place] for place in waiting])
            raise
        awaited = await gather_with_cancel(*(completed[place] for place in waiting))
        for place, value in zip(waiting, awaited, strict=True):
            completed[place] = value
        return completed


async def planned(plan: Callable[[Any], Any], resolved: Any) -> Any:
    """A plan of a list makes a list of each slice."""
    if not isinstance(resolved, list) or len(resolved) <= SLICE:
        return plan(resolved)
    made: list[Any] = []
    for start in range(0, len(resolved), SLICE):
        made += plan(resolved[start : start + SLICE])
        await asyncio.sleep(0)
    return made


def executor(
    schema: GraphQLSchema,
    fragments: Mapping[str, FragmentDefinitionNode],
    operation: OperationDefinitionNode,
    planner: Planner,
    variables: VariableValues,
    context: object,
    resolved: Callable[[], Awaitable[Any]] | None = None,
) -> PlanningExecutor:
    """As `Executor.build` makes one. `resolved` gives what the only root field has given or raised before."""
    return PlanningExecutor(
        schema,
        dict(fragments),
        {name: FragmentDetails(node) for name, node in fragments.items()},
        resolved,
        context,
        operation,
        variables,
        default_field_resolver,
        default_type_resolver,
        default_field_resolver,
        is_awaitable=optimized_is_awaitable,
        hide_suggestions=True,
        planner=planner,
    )


async def executed(executor: PlanningExecutor) -> ExecutionResult:
    """The result of a query or a mutation."""
    return await _awaited(executor.execute_operation())  # type: ignore[no-any-return]


async def events(executor: PlanningExecutor) -> AsyncGenerator[Any, None] | ExecutionResult:
    """The events of a subscription, or the errors for which there are none."""
    return await _awaited(create_source_event_stream(executor))  # type: ignore[no-any-return]


async def executed_for(event: object, executor: PlanningExecutor, context: object) -> ExecutionResult:
    """The result for one event of a subscription."""
    of_event: Any = executor.build_per_event_executor(event)
    of_event.context_value = context
    return await _awaited(of_event.execute_operation(serially=False))  # type: ignore[no-any-return]


async def _awaited(value: Any) -> Any:
    return await value if optimized_is_awaitable(value) else value


# --- variables: graphql/execution/values.py, graphql/utilities/coerce_input_value.py ----------------------------------


class Variable:
    """A variable of an operation, and where graphql-core says that its value comes from."""

    def __init__(self, schema: GraphQLSchema, definition: VariableDefinitionNode) -> None:
        signature = get_variable_signature(schema, definition)
        assert not isinstance(signature, GraphQLError)  # noqa: S101 - the document is valid
        self.name, self.type, self.has_default = signature.name, signature.type, signature.default is not None
        self._signature = signature

    def source(self, value: object = Undefined) -> VariableValueSource:
        return VariableValueSource(self._signature, value)


def default_of(field: GraphQLInputField | GraphQLArgument) -> Any:
    """`Undefined` if it has none."""
    return coerce_default_value(field)


# --- the rule about literals: graphql/validation/rules/values_of_correct_type.py --------------------------------------


class LiteralRule(ValuesOfCorrectTypeRule):
    """The specified rule about literals, which leaves the judgement to a subclass."""

    def is_valid_value_node(self, node: ValueNode, input_type: Any) -> Any:
        if input_type:
            self.judge(node, input_type)
        return SKIP

    @abstractmethod
    def judge(self, node: ValueNode, input_type: Any) -> None:
        """Report what is wrong with a literal."""


# --- how graphql-core words its errors: graphql/utilities/validate_input_value.py, graphql/language/ ------------------

_REQUIRED_FIELD = re.compile(r"Expected value of type '\w+' to include required field '(\w+)'")
_UNKNOWN_FIELD = re.compile(r"Expected value of type '\w+' not to include unknown field")
_TOKEN_WITH_VALUE = re.compile(r"\b(?:Name|Int|Float|String|BlockString|Comment)(?= ')")
_UP_TO_A_QUOTE = re.compile(r"""(?:[^'"]|'(?:[!$&()\[\]{}:=@|,.]|\.\.\.)')*""")  # Punctuation may be quoted.


def missing_field(error: GraphQLError) -> str | None:
    """The name of the required field that an input object lacks, if the error is about that."""
    found = _REQUIRED_FIELD.match(error.message)
    return found[1] if found else None


def is_about_an_unknown_field(error: GraphQLError) -> bool:
    return _UNKNOWN_FIELD.match(error.message) is not None


def syntax_message_without_values(message: str) -> str:
    """The message up to the text of the document that it quotes: that text may be a NIK or a name."""
    found = _TOKEN_WITH_VALUE.search(message)
    told = message[: found.end()] if found else message
    harmless = _UP_TO_A_QUOTE.match(told)
    return harmless[0].rstrip(" ,:.(") if harmless else "Syntax Error"
