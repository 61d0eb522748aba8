import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Reader } from '@whydrop/storage';
import { READER } from './options.js';

/** Connections close last, when nobody answers requests any more. */
@Injectable()
export class ReaderCloser implements OnApplicationShutdown {
  constructor(@Inject(READER) private readonly reader: Reader) {}

  onApplicationShutdown(): Promise<void> {
    return this.reader.close();
  }
}
