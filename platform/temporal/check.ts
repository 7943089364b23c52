import type { Client } from '@temporalio/client';

/** Those that every workflow start sets (see the dispatcher). */
const NEEDED = ['TenantId', 'Kind', 'EntityId'] as const;

/**
 * What the namespace lacks for Taskloom's workflows to start.
 * @returns a sentence that says what to run, or `undefined`. @throws when the server does not answer.
 */
export const missingSearchAttributes = async (client: Client): Promise<string | undefined> => {
  const { namespace } = client.options;
  const { operatorService } = client.connection as unknown as {
    operatorService: {
      listSearchAttributes(request: { namespace: string }): Promise<{ customAttributes?: object }>;
    };
  };
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
  const missing = NEEDED.filter((name) => !(name in (customAttributes ?? {})));
  if (missing.length === 0) return undefined;
  const commands = missing.map(
    (name) =>
      `temporal operator search-attribute create --namespace ${namespace} --name ${name} --type Keyword`,
  );
  return `The namespace "${namespace}" lacks search attributes, so no workflow can start. Run: ${commands.join(' && ')}`;
};
