// The supergraph of subgraphs that are named on the command line, each as name=url. A token may read the registry's schema.
import { composeServices } from '@apollo/composition';
import { parse } from 'graphql';

async function subgraph(word) {
  const [name, url] = [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)];
  const headers = { 'content-type': 'application/json', authorization: process.env.AUTHORIZATION };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query: '{ _service { sdl } }' }) });
  const { data } = await answer.json();
  return { name, url, typeDefs: parse(data._service.sdl) };
}

export async function supergraph(words) {
  const { errors, supergraphSdl } = composeServices(await Promise.all(words.map(subgraph)));
  if (errors) throw new AggregateError(errors);
  return supergraphSdl;
}
