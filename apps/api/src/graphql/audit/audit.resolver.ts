import { Inject } from '@nestjs/common';
import { Args, Query, Resolver } from '@nestjs/graphql';
import { AUDIT_SORT, auditCountStatement, auditStatement, readAudit, readCount, type Reader } from '@whydrop/storage';
import { READER } from '../../options.js';
import { connection, listCost, PageArgs, pageRequest, type Connection } from '../page/connection.js';
import { Cursors } from '../page/cursor.js';
import { AuditEntry, AuditEntryConnection, auditEntryOf } from './audit.type.js';

@Resolver(() => AuditEntry)
export class AuditResolver {
  constructor(@Inject(READER) private readonly reader: Reader) {}

  @Query(() => AuditEntryConnection, { complexity: listCost, description: 'Who changed what, the newest first.' })
  async auditLog(@Args() page: PageArgs): Promise<Connection<AuditEntry>> {
    const cursors = new Cursors(AUDIT_SORT, 'auditLog', {});
    const request = pageRequest(page, cursors, true);
    const rows = await readAudit(this.reader, auditStatement(request));
    const count = () => readCount(this.reader, auditCountStatement());
    return connection(rows, request, (row) => cursors.write([row.id]), auditEntryOf, count);
  }
}
