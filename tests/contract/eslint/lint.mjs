// What eslint's plugin for GraphQL says of the plain schema in the file that is named: all its rules for schemas and for
// Relay, but for those below.
import { readFileSync } from 'node:fs';
import { ESLint } from 'eslint';
import plugin from '@graphql-eslint/eslint-plugin';

const [file] = process.argv.slice(2);
const { 'flat/schema-all': all, 'flat/schema-relay': relay } = plugin.configs;
const ours = {
  'require-description': ['error', {
    types: true, rootField: true, DirectiveDefinition: true,
    FieldDefinition: true, InputValueDefinition: true, EnumValueDefinition: true,
  }],
  // Lists go forward only: a cursor is a place to go on from.
  'relay-arguments': ['error', { includeBoth: false }],
  // Ids are the keys of federation, not Relay's. A list that has an end of its own (a batch's verdicts) has no pages.
  'relay-edge-types': ['error', { shouldImplementNode: false, listTypeCanWrapOnlyEdgeType: false }],
  // What matters most stands first.
  alphabetize: 'off',
  // It forbids mutations and subscriptions.
  'no-root-type': 'off',
  // Arguments are named after what they are; one input object for all was a wish of old Relay.
  'input-name': 'off',
  // A client that wants to know more asks for more by a second root field; a gateway cannot join Query into a result.
  'require-field-of-type-query-in-mutation-result': 'off',
  // Figures, problems and pages are values without an identity.
  'strict-id-in-types': 'off',
  // GraphQL's own @deprecated has no argument for a date: the reason names the season.
  'require-deprecation-date': 'off',
};
const eslint = new ESLint({
  overrideConfigFile: true,
  overrideConfig: {
    files: ['**/*.graphql'],
    plugins: { '@graphql-eslint': plugin },
    languageOptions: { parser: plugin.parser, parserOptions: { graphQLConfig: { schema: file } } },
    linterOptions: { noInlineConfig: true },
    rules: {
      ...all.rules,
      ...relay.rules,
      ...Object.fromEntries(Object.entries(ours).map(([rule, how]) => [`@graphql-eslint/${rule}`, how])),
    },
  },
});
const [{ messages }] = await eslint.lintText(readFileSync(file, 'utf8'), { filePath: 'api.graphql' });
// A root field that can fail alone is nullable, or a union with `Problem`: a null would say less than a refusal.
const allowed = ({ message }) => message.startsWith('Unexpected non-null result union ');
console.log(JSON.stringify(messages.filter((one) => !allowed(one)).map(({ ruleId, line, message }) => (
  { rule: (ruleId ?? 'parser').replace('@graphql-eslint/', ''), line, message }
))));
