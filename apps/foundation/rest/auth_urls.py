from apps.foundation.rest import auth_views as views
from apps.foundation.rest.routes import endpoint

urlpatterns = [
    *endpoint("auth/token/", views.TokenView.as_view(), name="auth-token"),
    *endpoint("auth/token/refresh/", views.RefreshView.as_view(), name="auth-refresh"),
    *endpoint("auth/token/revoke/", views.RevokeView.as_view(), name="auth-revoke"),
    *endpoint("auth/ws-ticket/", views.TicketView.as_view(), name="auth-ticket"),
    *endpoint("auth/confirm/", views.ConfirmView.as_view(), name="auth-confirm"),
    *endpoint("auth/me/", views.MeView.as_view(), name="auth-me"),
    *endpoint("auth/sessions/", views.SessionsView.as_view(), name="auth-sessions"),
    *endpoint("auth/sessions/<uuid:session_id>/", views.SessionView.as_view(), name="auth-session"),
]
