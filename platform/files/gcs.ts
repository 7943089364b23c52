import { GCSDriver } from 'flydrive/drivers/gcs';
import type { Config } from '../config.ts';

const ANSWER_MS = 30_000;

/** Google Cloud Storage. Without a file of credentials Google's own chain of sources is asked; an emulator needs none. */
export const gcsDriver = ({ bucket, gcs }: Config['files']): GCSDriver =>
  new GCSDriver({
    bucket,
    visibility: 'private',
    usingUniformAcl: true,
    timeout: ANSWER_MS,
    ...(gcs.keyFile === null ? {} : { keyFilename: gcs.keyFile }),
    ...(gcs.endpoint === null ? {} : { apiEndpoint: gcs.endpoint, projectId: 'emulated' }),
  });
