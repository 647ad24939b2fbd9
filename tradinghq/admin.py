"""People and their roles in the admin. A change of role or password ends the person's sessions."""

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

admin.site.index_title = "The firm now"
admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class PersonAdmin(UserAdmin, ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "roles", "is_active", "is_staff", "last_login"]

    @admin.display(description="Role")
    def roles(self, person: User) -> str:
        """The roles as words."""
        return (
            "admin" if person.is_superuser else ", ".join(sorted(group.name for group in person.groups.all())) or "none"
        )


@admin.register(Group)
class RoleAdmin(GroupAdmin, ModelAdmin):
    """The four roles are fixed: they can be looked at and given, not changed."""

    def has_add_permission(self, request: object) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: object, obj: object = None) -> bool:  # noqa: ARG002
        return False
