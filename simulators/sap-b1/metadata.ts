/** `$metadata`: EDMX of what is simulated, user fields and user tables included (v3 on v1, v4 on v2). */

import { ENUMS } from "./enums.ts";
import type { Version } from "./errors.ts";
import type { Property, SetDefinition, TypeDefinition } from "./schema.ts";
import type { Schema } from "./schema-registry.ts";
import { SERVICES } from "./services.ts";

const V1_TYPES = {
  string: "Edm.String",
  double: "Edm.Double",
  int: "Edm.Int32",
  date: "Edm.DateTime",
  time: "Edm.Time",
};
const V2_TYPES = { ...V1_TYPES, date: "Edm.DateTimeOffset", time: "Edm.TimeOfDay" };

export function metadataXml(schema: Schema, version: Version, mapping: boolean): string {
  const entityTypes = new Map([...schema.sets.values()].map((set) => [set.type, set]));
  const types = [...schema.types.values()].map((type) => typeXml(type, entityTypes.get(type.name), version, mapping));
  const container = containerXml(schema, version, mapping);
  const schemaXml = `<Schema Namespace="SAPB1" xmlns="${
    version === "v1" ? "http://schemas.microsoft.com/ado/2009/11/edm" : "http://docs.oasis-open.org/odata/ns/edm"
  }">${enumsXml()}${types.join("")}${version === "v2" ? actionsXml(schema) : ""}${container}</Schema>`;
  if (version === "v2") {
    return `<?xml version="1.0" encoding="UTF-8"?>\n<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>${schemaXml}</edmx:DataServices></edmx:Edmx>\n`;
  }
  return `<?xml version="1.0" encoding="UTF-8"?>\n<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx"><edmx:DataServices m:DataServiceVersion="3.0" m:MaxDataServiceVersion="3.0" xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">${schemaXml}</edmx:DataServices></edmx:Edmx>\n`;
}

/** A member's Value is the stored database value, not an ordinal (v3 metadata). */
function enumsXml(): string {
  return [...ENUMS]
    .map(([name, { members }]) => {
      const list = [...members].map(([member, value]) => `<Member Name="${member}" Value="${escaped(value)}"/>`);
      return `<EnumType Name="${name}">${list.join("")}</EnumType>`;
    })
    .join("");
}

function typeXml(type: TypeDefinition, set: SetDefinition | undefined, version: Version, mapping: boolean): string {
  const properties = [...type.properties.values()].map((property) => {
    const isKey = set?.keys.includes(property.name) ?? false;
    return `<Property Name="${property.name}"${isKey ? ' Nullable="false"' : ""} Type="${edmType(property, version)}"${
      mapping ? mappingOf(property) : ""
    }/>`;
  });
  if (set === undefined) return `<ComplexType Name="${type.name}">${properties.join("")}</ComplexType>`;
  const key = set.keys.map((name) => `<PropertyRef Name="${name}"/>`).join("");
  return `<EntityType Name="${type.name}"><Key>${key}</Key>${properties.join("")}</EntityType>`;
}

function edmType(property: Property, version: Version): string {
  if (property.kind === "list") return `Collection(SAPB1.${property.of ?? ""})`;
  if (property.kind === "enum") return `SAPB1.${property.of ?? ""}`;
  return (version === "v1" ? V1_TYPES : V2_TYPES)[property.kind];
}

/** With `B1S-WithMappingInfo: 1`: column, default and writability (v3 metadata; download script of SAP's Java SDK). */
function mappingOf(property: Property): string {
  const initial = property.initial === undefined ? "" : ` DefaultValue="${escaped(property.initial)}"`;
  const user = property.name.startsWith("U_") ? ' UserField="true"' : "";
  return ` Alias="${property.column}" Writable="${String(!property.readOnly)}"${initial}${user}`;
}

function containerXml(schema: Schema, version: Version, mapping: boolean): string {
  const sets = [...schema.sets.values()].map((set) => {
    const table = mapping ? ` TableName="${set.table}" ServiceCode="${set.objectCode}"` : "";
    const annotation =
      version === "v2" && set.etag
        ? '<Annotation Term="Org.OData.Core.V1.OptimisticConcurrency"><Collection><PropertyPath>DataVersion</PropertyPath></Collection></Annotation>'
        : "";
    return `<EntitySet Name="${set.name}" EntityType="SAPB1.${set.type}"${table}${annotation === "" ? "/>" : `>${annotation}</EntitySet>`}`;
  });
  const services = [...SERVICES].map((name) =>
    version === "v1"
      ? `<FunctionImport Name="${name}" m:HttpMethod="POST"/>`
      : `<ActionImport Name="${name}" Action="SAPB1.${name}"/>`,
  );
  const bound = version === "v1" ? boundActions(schema).map(([type, action]) => functionImport(type, action)) : [];
  return `<EntityContainer Name="ServiceLayer">${sets.join("")}${bound.join("")}${services.join("")}</EntityContainer>`;
}

const functionImport = (type: string, action: string): string =>
  `<FunctionImport Name="${action}" IsBindable="true" m:HttpMethod="POST"><Parameter Name="${type}Params" Type="SAPB1.${type}"/></FunctionImport>`;

function actionsXml(schema: Schema): string {
  const bound = boundActions(schema).map(
    ([type, action]) =>
      `<Action Name="${action}" IsBound="true"><Parameter Name="${type}Params" Type="SAPB1.${type}"/></Action>`,
  );
  return [...bound, ...[...SERVICES].map((name) => `<Action Name="${name}"/>`)].join("");
}

function boundActions(schema: Schema): [type: string, action: string][] {
  const pairs = [...schema.sets.values()].flatMap((set) => set.actions.map((action) => `${set.type}|${action}`));
  return [...new Set(pairs)].map((pair) => {
    const [type = "", action = ""] = pair.split("|");
    return [type, action];
  });
}

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
