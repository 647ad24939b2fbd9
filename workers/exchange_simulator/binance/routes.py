"""Which request does what, what it weighs and whether it is signed."""

from workers.exchange_simulator.binance.market_data import MarketData
from workers.exchange_simulator.binance.orders import Orders
from workers.exchange_simulator.binance.user_streams import ListenKeys
from workers.exchange_simulator.binance.wallet import Wallet
from workers.exchange_simulator.calls import Route

Routes = dict[tuple[str, str], Route]


def binance_routes(data: MarketData, orders: Orders, wallet: Wallet, keys: ListenKeys) -> Routes:
    """Method and path to what serves them."""
    routes = {**_public(data), **_trading(orders), **_wallet(wallet, keys)}
    return {(method, f"/{path}"): route for (method, path), route in routes.items()}


def _public(data: MarketData) -> Routes:
    return {
        ("GET", "api/v3/ping"): Route("time", 1, "none", data.ping),
        ("GET", "api/v3/time"): Route("time", 1, "none", data.time),
        ("GET", "api/v3/exchangeInfo"): Route("exchange_info", 20, "none", data.exchange_info),
        ("GET", "api/v3/ticker/24hr"): Route("ticker", 2, "none", data.ticker_day),
        ("GET", "api/v3/ticker/bookTicker"): Route("ticker", 2, "none", data.ticker_book),
        ("GET", "api/v3/ticker/price"): Route("ticker", 2, "none", data.ticker_price),
        ("GET", "api/v3/avgPrice"): Route("ticker", 2, "none", data.average_price),
        ("GET", "api/v3/depth"): Route("book", 5, "none", data.depth),
        ("GET", "api/v3/klines"): Route("candles", 2, "none", data.klines),
        ("GET", "api/v3/trades"): Route("trades", 25, "none", data.trades),
        ("GET", "api/v3/historicalTrades"): Route("trades", 25, "none", data.trades),
        ("GET", "api/v3/aggTrades"): Route("trades", 4, "none", data.aggregated_trades),
    }


def _trading(orders: Orders) -> Routes:
    return {
        ("GET", "api/v3/account"): Route("balance", 20, "signed", orders.account),
        ("POST", "api/v3/order"): Route("create", 1, "signed", orders.create, orders=1),
        ("POST", "api/v3/order/test"): Route("account", 1, "signed", orders.test),
        ("GET", "api/v3/order"): Route("fetch_order", 4, "signed", orders.query),
        ("DELETE", "api/v3/order"): Route("cancel", 1, "signed", orders.cancel),
        ("POST", "api/v3/order/cancelReplace"): Route("replace", 1, "signed", orders.replace, orders=1),
        ("GET", "api/v3/openOrders"): Route("open_orders", 6, "signed", orders.open_orders),
        ("DELETE", "api/v3/openOrders"): Route("cancel", 1, "signed", orders.cancel_all),
        ("GET", "api/v3/allOrders"): Route("all_orders", 20, "signed", orders.all_orders),
        ("GET", "api/v3/myTrades"): Route("my_trades", 20, "signed", orders.my_trades),
        ("POST", "api/v3/order/oco"): Route("create", 1, "signed", orders.create_old_pair, orders=2),
        ("POST", "api/v3/orderList/oco"): Route("create", 1, "signed", orders.create_new_pair, orders=2),
        ("GET", "api/v3/orderList"): Route("fetch_order", 4, "signed", orders.query_list),
        ("GET", "api/v3/openOrderList"): Route("open_orders", 6, "signed", orders.open_lists),
        ("DELETE", "api/v3/orderList"): Route("cancel", 1, "signed", orders.cancel_list),
    }


def _wallet(wallet: Wallet, keys: ListenKeys) -> Routes:
    return {
        ("GET", "sapi/v1/system/status"): Route("time", 1, "none", wallet.status),
        ("GET", "sapi/v1/account/apiRestrictions"): Route("account", 1, "signed", wallet.restrictions),
        ("GET", "sapi/v1/capital/config/getall"): Route("account", 10, "signed", wallet.coins),
        ("GET", "sapi/v1/capital/deposit/hisrec"): Route("transfers", 1, "signed", wallet.deposits),
        ("GET", "sapi/v1/capital/withdraw/history"): Route("transfers", 1, "signed", wallet.withdrawals),
        ("GET", "sapi/v1/margin/allPairs"): Route("account", 1, "key", wallet.nothing),
        ("GET", "sapi/v1/margin/isolated/allPairs"): Route("account", 1, "key", wallet.nothing),
        ("GET", "sapi/v1/margin/allAssets"): Route("account", 1, "key", wallet.nothing),
        ("GET", "sapi/v1/asset/tradeFee"): Route("account", 1, "signed", wallet.trade_fees),
        ("POST", "api/v3/userDataStream"): Route("account", 2, "key", keys.create),
        ("PUT", "api/v3/userDataStream"): Route("account", 2, "key", keys.keep_alive),
        ("DELETE", "api/v3/userDataStream"): Route("account", 2, "key", keys.close),
    }
