"""Bodies of ``auth/``."""

from rest_framework import serializers

from apps.foundation.permissions import ROLES
from apps.foundation.rest.serializer_fields import StrictSerializer, UtcTimeField


class SignInRequest(StrictSerializer):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=4096, trim_whitespace=False, style={"input_type": "password"})


class ConfirmRequest(StrictSerializer):
    password = serializers.CharField(max_length=4096, trim_whitespace=False, style={"input_type": "password"})


class RefreshRequest(StrictSerializer):
    refresh = serializers.CharField(max_length=4096)


class RevokeRequest(StrictSerializer):
    refresh = serializers.CharField(max_length=4096, required=False)


class TokenPairAnswer(serializers.Serializer):
    access = serializers.CharField()
    refresh = serializers.CharField()
    session_id = serializers.UUIDField()
    expires_in = serializers.IntegerField(help_text="Seconds that the access token lives.")


class TicketAnswer(serializers.Serializer):
    ticket = serializers.CharField()
    expires_in = serializers.IntegerField()


class MeAnswer(serializers.Serializer):
    id = serializers.CharField()
    username = serializers.CharField()
    role = serializers.ChoiceField(choices=[role.value for role in ROLES])
    session_id = serializers.UUIDField()
    can = serializers.ListField(child=serializers.ChoiceField(choices=[role.value for role in ROLES]))


class SessionAnswer(serializers.Serializer):
    id = serializers.UUIDField()
    created_at = UtcTimeField()
    last_used_at = UtcTimeField()
    address = serializers.CharField(allow_null=True)
    user_agent = serializers.CharField()
    current = serializers.BooleanField()
