import type { DataLink } from '@grafana/data';

/** Whydrop's page without a slash at its end. */
export type PageUrl = string;

/** Opens Whydrop's page at what the field's value names. `all`: a dashboard may show times long gone. */
function link(title: string, url: string): DataLink[] {
  return [{ title, url, targetBlank: true }];
}

/** For a field of global ids: the whole explanation. */
export function explanationLink(page: PageUrl): DataLink[] {
  return link('Why was it blocked?', `${page}/?mode=drops&last=all&open=\${__value.raw:percentencode}`);
}

/** For a field of ids of drop groups. */
export function groupLink(page: PageUrl): DataLink[] {
  return link('Why is it blocked?', `${page}/?last=all&open=\${__value.raw:percentencode}`);
}

/** For a field of namespaces, causes, or words to search for. */
export function searchLink(page: PageUrl, name: 'namespace' | 'cause' | 'text'): DataLink[] {
  return link('Show in Whydrop', `${page}/?last=all&${name}=\${__value.raw:percentencode}`);
}

/** For a field of paths below Whydrop's address. */
export function pathLink(page: PageUrl): DataLink[] {
  return link('Show in Whydrop', `${page}\${__value.raw}`);
}
