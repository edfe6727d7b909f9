/** Column types as pg returns them. Only tables that are queried through Kysely are listed; the migrations are the source. */
export interface Tables {
  installation_versions: {
    version: number;
    configuration: unknown;
    digest: string;
    applied_at: Date;
  };
}
