"""Every action that AUDIT_LOG is known to have, with what it must become, by hand.

By the kinds of the provider's own list: administrators' actions, users', API keys', those seen
later, and some that nobody has seen yet.
"""

import pytest

from producer.normaliser.families.audit_actions import read_action

ADMIN = """
PERSONAL_ACCESS_TOKEN_REVOKE                  auth.action          6003  4
APP_ACTIVATE                                  admin.config_change  6003  3
APP_CREATE                                    admin.config_change  6003  1
APP_DELETE                                    admin.config_change  6003  4
APP_PUBLISH                                   admin.config_change  6003  3
APP_UPDATE_NAME                               admin.config_change  6003  3
APP_ALLOW_USER                                admin.config_change  6003  3
APP_DISALLOW_USER                             admin.config_change  6003  3
APP_UPDATE_ACCESS_POLICY                      admin.config_change  6003  3
PLUGIN_UPDATE_INSTALLATION_POLICY             admin.config_change  6003  3
CUSTOM_GPT_SET_ALLOWED_ACTION_DOMAINS         admin.config_change  6003  3
CUSTOM_GPT_DELETE                             admin.config_change  6003  4
CUSTOM_GPT_CHANGE_OWNER                       admin.config_change  6003  3
CUSTOM_GPT_CHANGE_VISIBILITY                  admin.config_change  6003  3
CUSTOM_GPT_ALLOW_THIRD_PARTY                  admin.config_change  6003  3
CUSTOM_GPT_APPROVE_THIRD_PARTY_FOR_WORKSPACE  admin.config_change  6003  3
CUSTOM_GPT_REMOVE_THIRD_PARTY_FOR_WORKSPACE   admin.config_change  6003  4
DOMAIN_CREATE                                 admin.config_change  6003  1
DOMAIN_DELETE                                 admin.config_change  6003  4
DOMAIN_CHECK                                  admin.config_change  6003  2
GROUP_CREATE                                  admin.config_change  3006  6
GROUP_EDIT                                    admin.config_change  3006  99
GROUP_ADD_USERS                               admin.config_change  3006  3
GROUP_REMOVE_USER                             admin.config_change  3006  4
GROUP_DELETE                                  admin.config_change  3006  5
INVITE_USERS                                  admin.config_change  3001  1
INVITE_DELETE                                 admin.config_change  3001  6
INVITE_USER_REQUEST                           admin.config_change  3001  99
INVITE_ACCEPT_ALL                             admin.config_change  3001  99
INVITE_SET_AUTO_ACCEPT_JOIN_REQUESTS          admin.config_change  6003  3
INVITE_SET_ALLOW_EXTERNAL_DOMAINS             admin.config_change  6003  3
SAML_CREATE_CONNECTION                        admin.config_change  6003  1
SCIM_SET_EMAIL_INVITES_ENABLED                admin.config_change  6003  3
SUBSCRIPTION_SET_OVERAGE_LIMIT                admin.config_change  6003  3
SUBSCRIPTION_SET_USAGE_ALERTS                 admin.config_change  6003  3
USER_DELETE                                   admin.config_change  3001  6
USER_ROLE_UPDATED                             admin.config_change  3005  1
USER_LOGGED_OUT_BY_ADMIN                      auth.signout         3002  2
WORKSPACE_TOGGLE_FEATURE                      admin.config_change  6003  3
WORKSPACE_SET_SHARING_PERMISSION              admin.config_change  6003  3
WORKSPACE_SET_SYSTEM_INSTRUCTION              admin.config_change  6003  3
WORKSPACE_SET_POLICY                          admin.config_change  6003  3
WORKSPACE_SET_FEDRAMP_BANNER                  admin.config_change  6003  3
WORKSPACE_SET_AUTO_PROVISION                  admin.config_change  6003  3
WORKSPACE_SET_COMPLIANCE_API_IP_ALLOWLIST     admin.config_change  6003  3
WORKSPACE_SET_IP_ALLOWLIST                    admin.config_change  6003  3
WORKSPACE_SET_IS_DISCOVERABLE                 admin.config_change  6003  3
"""
USERS = """
PERSONAL_ACCESS_TOKEN_CREATE       auth.action          6003  1
PERSONAL_ACCESS_TOKEN_REVOKE       auth.action          6003  4
SESSION_LOGOUT_ALL                 auth.signout         3002  2
SESSION_REVOKE                     auth.signout         3002  2
CONVERSATION_DELETE                agent.action         6003  4
CONVERSATION_SHARE                 agent.action         6003  3
CONVERSATION_VIEW_OF_SHARED        agent.action         6003  2
CUSTOM_GPT_UPDATE_SHARING          admin.config_change  6003  3
PROJECT_UPDATE_SHARING             admin.config_change  6003  3
SITE_UPDATE_ACCESS_POLICY          admin.config_change  6003  3
CONVERSATION_MESSAGE_RATING        agent.action         6003  1
CONVERSATION_MESSAGE_RATING_DELETE agent.action         6003  4
FILE_DOWNLOAD                      agent.action         6003  2
INVITE_ACCEPT                      admin.config_change  3001  99
SKILL_CREATE                       admin.config_change  6003  1
SKILL_UPDATE                       admin.config_change  6003  3
SKILL_DELETE                       admin.config_change  6003  4
SKILL_SHARE                        admin.config_change  6003  3
SKILL_WORKSPACE_ACCESS             admin.config_change  6003  3
SKILL_UNSHARE                      admin.config_change  6003  3
WORKSPACE_POLICY_ACKNOWLEDGEMENT   agent.action         6003  1
"""
KEYS = """
LIST_CODE_ENVIRONMENTS                 api.call             6003  2
LIST_CODEX_TASKS                       api.call             6003  2
GET_CODEX_TASK                         api.call             6003  2
GET_CODE_ENVIRONMENT                   api.call             6003  2
LIST_PLUGINS                           api.call             6003  2
GET_PLUGIN                             api.call             6003  2
LIST_REMOTE_CONTROL_ENVIRONMENTS       api.call             6003  2
GET_REMOTE_CONTROL_ENVIRONMENT         api.call             6003  2
LIST_REMOTE_CONTROL_THREADS            api.call             6003  2
GET_REMOTE_CONTROL_THREAD              api.call             6003  2
LIST_REMOTE_CONTROL_CLIENTS            api.call             6003  2
GET_REMOTE_CONTROL_CLIENT              api.call             6003  2
LIST_WORKSPACE_GPTS                    api.call             6003  2
LIST_WORKSPACE_AGENTS                  api.call             6003  2
GET_WORKSPACE_AGENT                    api.call             6003  2
GET_GPT_INFO                           api.call             6003  2
LIST_WORKSPACE_GPT_USERS               api.call             6003  2
LIST_WORKSPACE_GPT_CONFIGS             api.call             6003  2
LIST_WORKSPACE_SKILLS                  api.call             6003  2
EXPORT_WORKSPACE_SKILL                 api.call             6003  2
DELETE_WORKSPACE_SKILL                 admin.config_change  6003  4
LIST_WORKSPACE_PROJECTS                api.call             6003  2
GET_PROJECT_INFO                       api.call             6003  2
LIST_WORKSPACE_PROJECT_USERS           api.call             6003  2
LIST_WORKSPACE_PROJECT_CONFIGS         api.call             6003  2
LIST_PROJECT_GROUP_CHATS               api.call             6003  2
LIST_PROJECT_GROUP_CHAT_MESSAGES       api.call             6003  2
GET_USER_FILE                          api.call             6003  2
GET_GPT_FILE                           api.call             6003  2
GET_PROJECT_FILE                       api.call             6003  2
LIST_WORKSPACE_USERS                   api.call             6003  2
LIST_WORKSPACE_DIRECTORY_GROUPS        api.call             6003  2
GET_WORKSPACE_DIRECTORY_GROUP          api.call             6003  2
LIST_WORKSPACE_DIRECTORY_GROUP_USERS   api.call             6003  2
LIST_WORKSPACE_DIRECTORY_USER_GROUPS   api.call             6003  2
ADD_WORKSPACE_DIRECTORY_GROUP_USER     admin.config_change  3006  3
DELETE_WORKSPACE_DIRECTORY_GROUP_USER  admin.config_change  3006  4
LIST_MEMORIES                          api.call             6003  2
GET_USER_MEMORIES                      api.call             6003  2
LIST_USER_CANVASES                     api.call             6003  2
GET_CANVAS_CONTENT                     api.call             6003  2
LIST_USER_AUTOMATIONS                  api.call             6003  2
LIST_USER_RECORDINGS                   api.call             6003  2
DOWNLOAD_RECORDING_TRANSCRIPT          api.call             6003  2
DELETE_CODEX_TASK                      admin.config_change  6003  4
DELETE_CODEX_ENVIRONMENT               admin.config_change  6003  4
DELETE_REMOTE_CONTROL_ENVIRONMENT      admin.config_change  6003  4
DELETE_REMOTE_CONTROL_THREAD           admin.config_change  6003  4
DELETE_REMOTE_CONTROL_CLIENT           admin.config_change  6003  4
DELETE_PROJECT_CONNECTOR_SCOPE         admin.config_change  6003  4
DELETE_PROJECT_GROUP_CHAT              admin.config_change  6003  4
ISOLATE_GPT                            admin.config_change  6003  3
ISOLATE_PROJECT                        admin.config_change  6003  3
DELETE_GPT_FILE                        admin.config_change  6003  4
DELETE_PROJECT_FILE                    admin.config_change  6003  4
DELETE_GPT                             admin.config_change  6003  4
DELETE_PROJECT                         admin.config_change  6003  4
DELETE_CUSTOM_AGENT                    admin.config_change  6003  4
UNPUBLISH_CUSTOM_AGENT                 admin.config_change  6003  3
DELETE_USER_FILE                       admin.config_change  6003  4
DELETE_CONVERSATION                    admin.config_change  6003  4
DELETE_MEMORY                          admin.config_change  6003  4
DELETE_CANVAS_TEXT_DOC                 admin.config_change  6003  4
DELETE_AUTOMATION                      admin.config_change  6003  4
DELETE_RECORDING                       admin.config_change  6003  4
LIST_WORKSPACE_LOG_FILES               api.call             6003  2
LIST_ORGANIZATION_LOG_FILES            api.call             6003  2
DOWNLOAD_WORKSPACE_LOG_FILE            api.call             6003  2
DOWNLOAD_ORGANIZATION_LOG_FILE         api.call             6003  2
"""
LATER = """
ROLE_CREATE                         admin.config_change  3005  99
ROLE_UPDATE                         admin.config_change  3005  99
ROLE_DELETE                         admin.config_change  3005  99
ROLE_ASSIGN                         admin.config_change  3005  1
ROLE_UNASSIGN                       admin.config_change  3005  2
UPDATE_WORKSPACE_USER               admin.config_change  3001  99
ROLE_SET_PLUGIN_PERMISSIONS         admin.config_change  3005  99
ROLE_SET_CONNECTOR_PERMISSIONS      admin.config_change  3005  99
ROLE_SET_ALL_CONNECTOR_PERMISSIONS  admin.config_change  3005  99
ROLE_UPDATE_BINDING_PERMISSIONS     admin.config_change  3005  99
APP_SET_ENABLED_ACTIONS             admin.config_change  6003  3
PLUGIN_SHARE                        admin.config_change  6003  3
INVITE_UPDATE                       admin.config_change  3001  99
INVITE_SEND                         admin.config_change  3001  1
"""
TOMORROW = """
GROUP_RENAME                          admin.config_change  3006  99
GROUP_RENAMED                         admin.config_change  3006  99
GROUP_FROBNICATE                      admin.config_change  3006  99
CREATE_WORKSPACE_DIRECTORY_GROUP      admin.config_change  3006  6
DELETE_WORKSPACE_DIRECTORY_GROUP      admin.config_change  3006  5
REMOVE_WORKSPACE_DIRECTORY_GROUP_USERS admin.config_change 3006  4
ROLE_SUSPEND                          admin.config_change  3005  99
ROLE_FROBNICATE                       admin.config_change  3005  99
USER_ROLE_ASSIGN                      admin.config_change  3005  1
USER_ROLE_REMOVE                      admin.config_change  3005  2
WORKSPACE_USER_ROLE_UPDATE            admin.config_change  3005  1
USER_CREATE                           admin.config_change  3001  1
USER_ADD                              admin.config_change  3001  1
USER_SUSPEND                          admin.config_change  3001  5
USER_SUSPENDED                        admin.config_change  3001  5
USER_DISABLE                          admin.config_change  3001  5
USER_DEACTIVATE                       admin.config_change  3001  5
USER_ENABLE                           admin.config_change  3001  2
USER_ACTIVATE                         admin.config_change  3001  2
USER_REMOVE                           admin.config_change  3001  6
DELETE_WORKSPACE_USER                 admin.config_change  3001  6
INVITE_CREATE                         admin.config_change  3001  1
INVITE_SET_EXPIRY                     admin.config_change  6003  3
SKILL_ARCHIVE                         admin.config_change  6003  3
SKILL_INSTALL                         admin.config_change  6003  1
SKILL_UNINSTALL                       admin.config_change  6003  4
PERSONAL_ACCESS_TOKEN_ROTATE          auth.action          6003  3
CONVERSATION_ARCHIVE                  agent.action         6003  3
CONVERSATION_RESTORE                  agent.action         6003  3
FILE_UPLOAD                           agent.action         6003  1
PROJECT_TRANSFER                      admin.config_change  6003  3
SHARED_LINK_CREATE                    admin.config_change  6003  1
DELETE_USER_CANVAS                    admin.config_change  6003  4
WIDGET_FROBNICATED                    agent.action         6003  99
SHARED                                agent.action         6003  99
INVITE                                admin.config_change  3001  99
DELETED                               agent.action         6003  99
"""
# By the activities of OCSF 1.1.0: account change has 1 create, 2 enable, 3 password change,
# 4 password reset, 5 disable, 6 delete, 9 lock, 10 and 11 a second factor enabled and disabled;
# user access 1 assign and 2 revoke; group management 3 add and 4 remove a user, 5 delete,
# 6 create; authentication 1 logon and 2 logoff.
VARIED = """
USER_ROLE_REVOKED                     admin.config_change  3005  2
ROLE_REVOKE                           admin.config_change  3005  2
ROLE_REVOKED_FROM_USER                admin.config_change  3005  2
ROLE_ASSIGNED_TO_USER                 admin.config_change  3005  1
ROLE_ASSIGNMENT_CREATED               admin.config_change  3005  1
ROLE_ASSIGNMENTS_DELETE               admin.config_change  3005  2
ROLE_USER_ADD                         admin.config_change  3005  1
USER_CHANGE_ROLE                      admin.config_change  3005  1
USERS_ROLES_UPDATED                   admin.config_change  3005  1
MEMBER_ROLE_CHANGED                   admin.config_change  3005  1
USER_PERMISSIONS_GRANTED              admin.config_change  3005  1
USER_ACCESS_REVOKE                    admin.config_change  3005  2
PROJECT_MEMBER_ADD                    admin.config_change  3005  1
PROJECT_REMOVE_USERS                  admin.config_change  3005  2
INVITE_REVOKE                         admin.config_change  3001  6
INVITES_REVOKED                       admin.config_change  3001  6
INVITATION_CANCELLED                  admin.config_change  3001  6
WORKSPACE_INVITE_RESENT               admin.config_change  3001  99
INVITE_ACCEPTED                       admin.config_change  3001  99
INVITE_REJECT                         admin.config_change  3001  99
INVITE_USER                           admin.config_change  3001  1
INVITE_MEMBERS                        admin.config_change  3001  1
BULK_INVITE_USERS                     admin.config_change  3001  1
USER_INVITE                           admin.config_change  3001  1
USERS_INVITED                         admin.config_change  3001  1
WORKSPACE_INVITE_USER                 admin.config_change  3001  1
GROUP_MEMBER_ADD                      admin.config_change  3006  3
GROUP_MEMBERS_ADDED                   admin.config_change  3006  3
GROUP_MEMBER_REMOVE                   admin.config_change  3006  4
GROUP_USERS_REMOVED                   admin.config_change  3006  4
GROUP_ADD_MEMBERS                     admin.config_change  3006  3
GROUP_MEMBERSHIP_DELETED              admin.config_change  3006  4
USER_ADDED_TO_GROUP                   admin.config_change  3006  3
REMOVE_USERS_FROM_GROUP               admin.config_change  3006  4
GROUPS_DELETED                        admin.config_change  3006  5
DELETE_GROUPS                         admin.config_change  3006  5
BULK_DELETE_USERS                     admin.config_change  3001  6
USERS_BULK_DELETE                     admin.config_change  3001  6
USER_BULK_DELETED                     admin.config_change  3001  6
ADMIN_DELETED_USER                    admin.config_change  3001  6
MEMBERS_REMOVED                       admin.config_change  3001  6
USER_DELETED_PERMANENTLY              admin.config_change  3001  6
USER_REMOVED_FROM_WORKSPACE           admin.config_change  3001  6
WORKSPACE_ADD_USER                    admin.config_change  3001  1
USER_ADDED_TO_WORKSPACE               admin.config_change  3001  1
USER_REACTIVATE                       admin.config_change  3001  2
USER_REACTIVATED                      admin.config_change  3001  2
USER_DISABLED                         admin.config_change  3001  5
USER_BANNED                           admin.config_change  3001  5
USER_LOCKED                           admin.config_change  3001  9
USER_UNLOCKED                         admin.config_change  3001  99
USER_UNBLOCK                          admin.config_change  3001  2
USER_UPDATE_EMAIL                     admin.config_change  3001  99
SERVICE_ACCOUNT_CREATED               admin.config_change  3001  1
USER_RESET_PASSWORD                   auth.action          3001  4
USER_PASSWORD_RESET                   auth.action          3001  4
RESET_USER_PASSWORD                   auth.action          3001  4
PASSWORD_RESET_BY_ADMIN               auth.action          3001  4
USER_PASSWORD_CHANGED                 auth.action          3001  3
USER_CHANGE_PASSWORD                  auth.action          3001  3
USER_MFA_ENABLE                       auth.action          3001  10
USER_MFA_ENABLED                      auth.action          3001  10
ENABLE_MFA_FOR_USER                   auth.action          3001  10
USER_DISABLE_MFA                      auth.action          3001  11
USER_TWO_FACTOR_DISABLED              auth.action          3001  11
WORKSPACE_MFA_ENABLE                  admin.config_change  6003  3
WORKSPACE_PASSWORD_POLICY_UPDATED     admin.config_change  6003  3
SESSION_LOGOUT                        auth.signout         3002  2
SESSIONS_REVOKED                      auth.signout         3002  2
USER_SESSIONS_REVOKE                  auth.signout         3002  2
USER_REVOKE_SESSIONS                  auth.signout         3002  2
SESSION_RENEWED                       auth.action          3002  99
WORKSPACE_SESSION_EXPIRE              admin.config_change  6003  99
USER_LOGGED_OUT                       auth.signout         3002  2
USER_LOGOUT                           auth.signout         3002  2
USER_SIGNED_OUT                       auth.signout         3002  2
FORCE_LOGOUT_USERS                    auth.signout         3002  2
USER_LOGIN                            auth.signin          3002  1
USER_LOGGED_IN                        auth.signin          3002  1
LOGIN_FAILED                          auth.signin          3002  1
WORKSPACE_SET_LOGIN_METHOD            admin.config_change  6003  3
SSO_LOGIN_ENABLE                      admin.config_change  6003  3
PERSONAL_ACCESS_TOKENS_REVOKE         auth.action          6003  4
PERSONAL_ACCESS_TOKENS_CREATED        auth.action          6003  1
API_KEY_CREATE                        auth.action          6003  1
API_KEYS_DELETED                      auth.action          6003  4
REVOKE_API_KEY                        auth.action          6003  4
USER_REVOKE_TOKENS                    auth.action          6003  4
APP_SECRET_REGENERATE                 auth.action          6003  3
LIST_API_KEYS                         api.call             6003  2
FILES_DOWNLOAD                        agent.action         6003  2
FILES_DOWNLOADED                      agent.action         6003  2
CONVERSATIONS_DELETED                 agent.action         6003  4
CONVERSATION_MOVED_TO_PROJECT         agent.action         6003  3
CONVERSATION_ACCESSED                 agent.action         6003  2
USER_DELETE_FILE                      admin.config_change  6003  4
USER_DELETED_CONVERSATION             admin.config_change  6003  4
LIST_DELETED_USERS                    api.call             6003  2
EXPORT_USERS                          api.call             6003  2
SEARCH_CONVERSATIONS                  api.call             6003  2
EXPORT_DELETE                         admin.config_change  6003  4
EXPORT_STARTED                        admin.config_change  6003  99
SHARED_LINK_COPY                      admin.config_change  6003  1
IP_ALLOW_LIST_ADD                     admin.config_change  6003  1
POLICIES_UPDATED                      admin.config_change  6003  3
CONNECTOR_ACCESS_DENIED               admin.config_change  6003  99
CONNECTOR_STOPPED                     admin.config_change  6003  99
"""


def rows(table: str) -> list[tuple[str, tuple[str, int, int]]]:
    """Read a table: action, event type, class and activity."""
    found = [line.split() for line in table.strip().splitlines()]
    return [(action, (kind, int(uid), int(activity))) for action, kind, uid, activity in found]


@pytest.mark.parametrize(
    ("action", "expected"),
    [row for table in (ADMIN, USERS, KEYS, LATER, TOMORROW, VARIED) for row in rows(table)],
)
def test_every_action_lands_where_it_belongs(action: str, expected: tuple[str, int, int]) -> None:
    """Event type, class and activity."""
    rule = read_action(action).rule
    assert expected == (rule.event_type, rule.class_uid, rule.activity_id)


def test_no_action_of_the_provider_is_left_out() -> None:
    """As many as the provider lists, each once."""
    tables = [[action for action, _ in rows(table)] for table in (ADMIN, USERS, KEYS, LATER)]
    assert [47, 21, 69, 14] == [len(set(table)) for table in tables]
    assert [47, 21, 69, 14] == [len(table) for table in tables]


def test_cases_do_not_matter() -> None:
    """Copies may write actions in lower case."""
    for action in ("GROUP_ADD_USERS", "SKILL_WORKSPACE_ACCESS"):
        assert read_action(action) == read_action(action.lower())


def test_an_action_of_a_million_words_is_read() -> None:
    """Whoever writes one gets an event; its names of ids are as few as those of others."""
    reading = read_action("WIDGET_" * 1_000_000 + "DELETE")
    assert 4 == reading.rule.activity_id
    assert len(reading.places) < 50
