from apps.foundation.rest.routes import endpoint
from apps.market.api import views

urlpatterns = [
    *endpoint("market/instruments/", views.InstrumentsView.as_view(), name="instruments"),
    *endpoint(
        "market/instruments/<instrument:symbol>/pause/", views.PauseInstrumentView.as_view(), name="instrument-pause"
    ),
    *endpoint(
        "market/instruments/<instrument:symbol>/unpause/",
        views.UnpauseInstrumentView.as_view(),
        name="instrument-unpause",
    ),
    *endpoint("market/quotes/", views.QuotesView.as_view(), name="quotes"),
    *endpoint("market/candles/", views.CandlesView.as_view(), name="candles"),
    *endpoint("market/orderbook/", views.OrderbookView.as_view(), name="orderbook"),
    *endpoint("market/providers/", views.ProvidersView.as_view(), name="providers"),
    *endpoint("market/notices/", views.NoticesView.as_view(), name="notices"),
    *endpoint("market/gaps/", views.GapsView.as_view(), name="gaps"),
    *endpoint("market/backfills/", views.BackfillsView.as_view(), name="backfills"),
]
