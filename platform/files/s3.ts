import { S3Driver } from 'flydrive/drivers/s3';
import type { Config } from '../config.ts';

const CONNECT_MS = 3_000;
const ANSWER_MS = 30_000;

/**
 * S3, or a server that speaks its protocol where an address is set. Without keys in the settings Amazon's own chain of
 * sources is asked (profile, container, machine).
 */
export const s3Driver = ({ bucket, s3 }: Config['files']): S3Driver =>
  new S3Driver({
    bucket,
    visibility: 'private',
    // New buckets refuse access lists, and ours would say "private" anyway.
    supportsACL: false,
    requestHandler: { connectionTimeout: CONNECT_MS, requestTimeout: ANSWER_MS },
    ...(s3.region === null ? {} : { region: s3.region }),
    ...(s3.accessKeyId === null || s3.secretAccessKey === null
      ? {}
      : {
          credentials: {
            accessKeyId: s3.accessKeyId,
            secretAccessKey: s3.secretAccessKey,
            ...(s3.sessionToken === null ? {} : { sessionToken: s3.sessionToken }),
          },
        }),
    // Other servers know the bucket as the path's first part, and not all know the newer checksums.
    ...(s3.endpoint === null
      ? {}
      : {
          endpoint: s3.endpoint,
          forcePathStyle: true,
          requestChecksumCalculation: 'WHEN_REQUIRED',
          responseChecksumValidation: 'WHEN_REQUIRED',
        }),
  });
