/** The operations of the API as its description lists them, so that tests cover a new one without being told. */
import type { OpenAPIV3_1 } from "openapi-types";
import type { App } from "../../../src/api/parts.ts";

export interface Operation {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** As the description has it: `/v1/deployments/{id}`. */
  path: string;
  /** `GET /v1/deployments/{id}` */
  name: string;
  says: OpenAPIV3_1.OperationObject;
}

const methods = ["get", "post", "put", "patch", "delete"] as const;

export async function documentOf(app: App): Promise<OpenAPIV3_1.Document> {
  return (await app.inject("/openapi.json")).json();
}

export function operationsOf({ paths = {} }: OpenAPIV3_1.Document): Operation[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    methods.flatMap((key) => {
      const says = item?.[key];
      const method = key.toUpperCase() as Uppercase<typeof key>;
      return says ? [{ method, path, name: `${method} ${path}`, says }] : [];
    }),
  );
}
