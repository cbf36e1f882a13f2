"""Every type that the API platform's audit log is known to have, with what it must become."""

import pytest

from producer.normaliser.families.api_platform_types import read_type

SIGN_INS = """
login.succeeded   auth.signin   3002  1  success
login.failed      auth.signin   3002  1  failure
logout.succeeded  auth.signout  3002  2  success
logout.failed     auth.signout  3002  2  failure
tenant.session_revocation.started  auth.signout  3002  2  unknown
"""
CREDENTIALS = """
api_key.created                              auth.action  6003  1
api_key.updated                              auth.action  6003  3
api_key.deleted                              auth.action  6003  4
tenant.admin_api_key.created                 auth.action  6003  1
tenant.admin_api_key.updated                 auth.action  6003  3
tenant.admin_api_key.deleted                 auth.action  6003  4
tenant.project_api_key.created               auth.action  6003  1
tenant.workload_identity.access_token.issued auth.action  6003  1
tenant.chatgpt_access_token.revoked          auth.action  6003  4
tenant.service_account.token.revoked         auth.action  6003  4
"""
ACCOUNTS = """
invite.sent                               admin.config_change  3001  1
invite.accepted                           admin.config_change  3001  99
invite.deleted                            admin.config_change  3001  6
service_account.created                   admin.config_change  3001  1
service_account.updated                   admin.config_change  3001  99
service_account.deleted                   admin.config_change  3001  6
user.added                                admin.config_change  3001  1
user.updated                              admin.config_change  3001  99
user.deleted                              admin.config_change  3001  6
tenant.service_account.updated            admin.config_change  3001  99
tenant.service_account.deleted            admin.config_change  3001  6
tenant.user.added                         admin.config_change  3001  1
tenant.user.updated                       admin.config_change  3001  99
tenant.user.removed                       admin.config_change  3001  6
tenant.user.invited                       admin.config_change  3001  1
tenant.user.looked_up                     api.call             6003  2
tenant.membership.revoked                 admin.config_change  3001  6
tenant.membership.accepted                admin.config_change  3001  99
tenant.membership.declined                admin.config_change  3001  99
tenant.api_organization_invite.upserted   admin.config_change  3001  99
tenant.api_organization_invite.deleted    admin.config_change  3001  6
tenant.chatgpt_workspace_invite.upserted  admin.config_change  3001  99
"""
ROLES = """
role.created                             admin.config_change  3005  99
role.updated                             admin.config_change  3005  99
role.deleted                             admin.config_change  3005  99
role.assignment.created                  admin.config_change  3005  1
role.assignment.deleted                  admin.config_change  3005  2
role.bound_to_resource                   admin.config_change  3005  1
role.unbound_from_resource               admin.config_change  3005  2
tenant.role.metadata.updated             admin.config_change  3005  99
tenant.custom_role.created               admin.config_change  3005  99
tenant.custom_role.updated               admin.config_change  3005  99
tenant.custom_role.deleted               admin.config_change  3005  99
tenant.role_assignment.created           admin.config_change  3005  1
tenant.role_assignment.deleted           admin.config_change  3005  2
tenant.resource_role_assignment.created  admin.config_change  3005  1
tenant.resource_role_assignment.deleted  admin.config_change  3005  2
"""
GROUPS = """
group.created                admin.config_change  3006  6
group.updated                admin.config_change  3006  99
group.deleted                admin.config_change  3006  5
tenant.group.created         admin.config_change  3006  6
tenant.group.updated         admin.config_change  3006  99
tenant.group.deleted         admin.config_change  3006  5
tenant.group.member.added    admin.config_change  3006  3
tenant.group.member.removed  admin.config_change  3006  4
"""
SETTINGS = """
certificate.created                             admin.config_change  6003  1
certificate.updated                             admin.config_change  6003  3
certificate.deleted                             admin.config_change  6003  4
certificates.activated                          admin.config_change  6003  3
certificates.deactivated                        admin.config_change  6003  3
checkpoint.permission.created                   admin.config_change  6003  1
checkpoint.permission.deleted                   admin.config_change  6003  4
external_key.registered                         admin.config_change  6003  1
external_key.removed                            admin.config_change  6003  4
ip_allowlist.created                            admin.config_change  6003  1
ip_allowlist.updated                            admin.config_change  6003  3
ip_allowlist.deleted                            admin.config_change  6003  4
ip_allowlist.config.activated                   admin.config_change  6003  3
ip_allowlist.config.deactivated                 admin.config_change  6003  3
organization.updated                            admin.config_change  6003  3
project.created                                 admin.config_change  6003  1
project.updated                                 admin.config_change  6003  3
project.archived                                admin.config_change  6003  3
project.deleted                                 admin.config_change  6003  4
rate_limit.updated                              admin.config_change  6003  3
rate_limit.deleted                              admin.config_change  6003  4
resource.deleted                                admin.config_change  6003  4
tunnel.created                                  admin.config_change  6003  1
tunnel.updated                                  admin.config_change  6003  3
tunnel.deleted                                  admin.config_change  6003  4
workload_identity_provider.created              admin.config_change  6003  1
workload_identity_provider.updated              admin.config_change  6003  3
workload_identity_provider.deleted              admin.config_change  6003  4
workload_identity_provider_mapping.created      admin.config_change  6003  1
workload_identity_provider_mapping.updated      admin.config_change  6003  3
workload_identity_provider_mapping.deleted      admin.config_change  6003  4
scim.enabled                                    admin.config_change  6003  3
scim.disabled                                   admin.config_change  6003  3
tenant.metadata.updated                         admin.config_change  6003  3
tenant.microsoft_entra_mapping.upserted         admin.config_change  6003  3
tenant.microsoft_entra_mapping.deleted          admin.config_change  6003  4
tenant.workload_identity.provider.created       admin.config_change  6003  1
tenant.workload_identity.provider.updated       admin.config_change  6003  3
tenant.workload_identity.provider.archived      admin.config_change  6003  3
tenant.workload_identity.mapping.created        admin.config_change  6003  1
tenant.workload_identity.mapping.updated        admin.config_change  6003  3
tenant.workload_identity.mapping.archived       admin.config_change  6003  3
tenant.workload_identity.binding.created        admin.config_change  6003  1
tenant.workload_identity.principal.provisioned  admin.config_change  6003  1
tenant.migration.completed                      admin.config_change  6003  99
tenant.sso.migrated                             admin.config_change  6003  3
tenant.domains.migrated                         admin.config_change  6003  3
tenant.sso_connection.created                   admin.config_change  6003  1
tenant.sso_connection.updated                   admin.config_change  6003  3
tenant.sso_connection.deleted                   admin.config_change  6003  4
tenant.sso_connection.setup.started             admin.config_change  6003  99
tenant.policy.created                           admin.config_change  6003  1
tenant.policy.updated                           admin.config_change  6003  3
tenant.policy.deleted                           admin.config_change  6003  4
tenant.policy.attached                          admin.config_change  6003  3
tenant.policy.detached                          admin.config_change  6003  3
tenant.principal_authentication_policy.resolved admin.config_change  6003  99
tenant.scim.setup.started                       admin.config_change  6003  99
tenant.scim.deletion.requested                  admin.config_change  6003  99
tenant.scim.directory.created                   admin.config_change  6003  1
tenant.product_access_policy.updated            admin.config_change  6003  3
tenant.resource_share_grant.created             admin.config_change  6003  1
tenant.resource_share_grant.updated             admin.config_change  6003  3
tenant.resource_share_grant.accepted            admin.config_change  6003  99
tenant.resource_share_grant.declined            admin.config_change  6003  99
tenant.resource_share_grant.revoked             admin.config_change  6003  4
tenant.resource_share_grant.deleted             admin.config_change  6003  4
tenant.billing.overage_limit.updated            admin.config_change  6003  3
tenant.billing.alerts.updated                   admin.config_change  6003  3
tenant.billing.info.updated                     admin.config_change  6003  3
tenant.usage_limit.workspace.updated            admin.config_change  6003  3
tenant.usage_limit.group.updated                admin.config_change  6003  3
tenant.usage_limit.user.updated                 admin.config_change  6003  3
tenant.usage_limit.increase_request.updated     admin.config_change  6003  3
tenant.usage_limit.increase_request.resolved    admin.config_change  6003  99
tenant.migration_rollout.status.updated         admin.config_change  6003  3
tenant.migration_rollout.tier.updated           admin.config_change  6003  3
tenant.resource_access.updated                  admin.config_change  6003  3
tenant.resource_access.deleted                  admin.config_change  6003  4
tenant.ads_account.onboarding.redemption        admin.config_change  6003  99
tenant.session_policy.created                   admin.config_change  6003  1
tenant.session_policy.updated                   admin.config_change  6003  3
tenant.session_policy.deleted                   admin.config_change  6003  4
tenant.third_party_app_policy.updated           admin.config_change  6003  3
tenant.workspace_invite_email_settings.updated  admin.config_change  6003  3
"""
TOMORROW = """
group.renamed                admin.config_change  3006  99
group.archived               admin.config_change  3006  99
role.assigned                admin.config_change  3005  1
role.unassigned              admin.config_change  3005  2
tenant.role.suspended        admin.config_change  3005  99
user.suspended               admin.config_change  3001  5
tenant.user.role.updated     admin.config_change  3005  1
tenant.user.api_key.rotated  auth.action          6003  3
tenant.user_policy.created   admin.config_change  6003  1
project.archived_item.deleted admin.config_change 6003  4
user.created                 admin.config_change  3001  1
user.role.revoked            admin.config_change  3005  2
role.revoked                 admin.config_change  3005  2
role.granted                 admin.config_change  3005  1
invite.revoked               admin.config_change  3001  6
invite.created               admin.config_change  3001  1
user.deactivated             admin.config_change  3001  5
user.reactivated             admin.config_change  3001  2
users.deleted                admin.config_change  3001  6
user.locked                  admin.config_change  3001  9
user.password.reset          auth.action          3001  4
user.password.changed        auth.action          3001  3
user.mfa.enabled             auth.action          3001  10
user.mfa.disabled            auth.action          3001  11
group.user.added             admin.config_change  3006  3
group.members.removed        admin.config_change  3006  4
project.user.added           admin.config_change  3005  1
session.revoked              auth.signout         3002  2
session.created              auth.action          3002  99
user.logged_out              auth.signout         3002  2
user.logout.succeeded        auth.signout         3002  2  success
sso.login.failed             auth.signin          3002  1  failure
sso.login.enabled            admin.config_change  6003  3
api_keys.revoked             auth.action          6003  4
api_key.create               auth.action          6003  1
client_secret.rotated        auth.action          6003  3
file.downloaded              api.call             6003  2
file.copied                  admin.config_change  6003  1
request.denied               admin.config_change  6003  99
widget.created               admin.config_change  6003  1
widget.frobnicated           agent.action         6003  99
widget                       agent.action         6003  99
group                        admin.config_change  3006  99
"""
KNOWN = (SIGN_INS, CREDENTIALS, ACCOUNTS, ROLES, GROUPS, SETTINGS)

Expected = tuple[str, int, int, str]


def rows(table: str) -> list[tuple[str, Expected]]:
    """Read a table: type, event type, class, activity, and the outcome where it is known."""
    found = []
    for line in table.strip().splitlines():
        name, kind, uid, activity, *outcome = line.split()
        found.append((name, (kind, int(uid), int(activity), outcome[0] if outcome else "unknown")))
    return found


def read(name: str) -> Expected:
    """Read a type."""
    rule = read_type(name).rule
    return rule.event_type, rule.class_uid, rule.activity_id, rule.outcome


@pytest.mark.parametrize(
    ("name", "expected"), [row for table in (*KNOWN, TOMORROW) for row in rows(table)]
)
def test_every_type_lands_where_it_belongs(name: str, expected: Expected) -> None:
    """However its dots are written."""
    assert expected == read(name)
    assert expected == read(name.replace(".", "_"))


def test_no_type_of_the_provider_is_left_out() -> None:
    """As many as the provider lists, each once."""
    names = [name for table in KNOWN for name, _ in rows(table)]
    assert (145, 145) == (len(names), len(set(names)))


@pytest.mark.parametrize("name", ["", ".", "tenant", "tenant.."])
def test_a_type_without_words_is_unknown(name: str) -> None:
    """There is nothing to go by."""
    assert ("agent.action", 6003, 0, "unknown") == read(name)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("api_key.created", "api_key"),
        ("tenant.group.member.added", "group_member"),
        ("role.bound_to_resource", "role"),
        ("tenant.scim.deletion.requested", "scim_deletion"),
        ("project.archived_item.deleted", "project_archived_item"),
        ("widget.frobnicated", "widget"),
    ],
)
def test_the_object_of_a_type_is_the_kind_of_its_target(name: str, kind: str) -> None:
    """Without the verb, and without the tenant that owns it."""
    assert kind == read_type(name).kind


def test_long_types_are_read_and_not_kept() -> None:
    """Memory is not filled by what others write."""
    assert ("admin.config_change", 3006, 99, "unknown") == read("group." + "x" * 500 + ".updated")
