"""Every setting, one section a topic. There is no second settings file: what differs comes from the environment."""

import gc
from pathlib import Path
from urllib.parse import urlsplit

from apps.management.adapters.supervisor_control import control_socket
from apps.market.domain.instruments import full_symbol
from tradinghq import environment as env
from tradinghq.admin_theme import UNFOLD
from tradinghq.container_images import built_image
from tradinghq.database_address import database_at
from tradinghq.embedded.addresses import stored_servers
from tradinghq.house_identity import house_key
from tradinghq.instance_secrets import secret_key
from tradinghq.rest_settings import REST_FRAMEWORK, SIMPLE_JWT, SPECTACULAR_SETTINGS

__all__ = ["REST_FRAMEWORK", "SIMPLE_JWT", "SPECTACULAR_SETTINGS", "UNFOLD"]

# Nearly all objects that loading makes stay. By Python's own thresholds the collector looks through them so often that a
# sixth of each process's start is spent there.
gc.set_threshold(50_000, 10, 10)

# Place and identity
BASE_DIR = Path(__file__).resolve().parent.parent
HQ_HOME = env.home()
HQ_HOST = env.text("HQ_HOST", "127.0.0.1")
HQ_PORT = env.integer("HQ_PORT", 8000, lowest=1, highest=65535)
HQ_INSTANCE = env.text("HQ_INSTANCE", "hq-1")
HQ_HOUSE = env.text("HQ_HOUSE") or house_key(HQ_HOME)  # holds the lease; given where its processes share no home
HQ_ROLE = env.choice("HQ_ROLE", "primary", ("primary", "backup", "research"))
HQ_BRIDGE_URL = env.text("HQ_BRIDGE_URL")  # the Redis over which instances speak with each other
HQ_BRIDGE_KEEP_DAYS = env.integer("HQ_BRIDGE_KEEP_DAYS", 90, lowest=31, highest=3650)  # the database keeps 30 anyway
HQ_PEERS = env.words("HQ_PEERS", "")  # with whom; each is added by an admin with its public key too
HQ_RUNTIME = env.choice("HQ_RUNTIME", "process", ("process", "docker", "swarm"))
HQ_SWARM_PLACEMENT = env.words("HQ_SWARM_PLACEMENT", "")  # on which hosts agents may run: node.labels.agents==yes
HQ_AGENT_IMAGE = env.text("HQ_AGENT_IMAGE") or built_image(BASE_DIR, "agent")  # by id or digest, never by a tag
HQ_AGENT_NETWORK = env.text("HQ_AGENT_NETWORK")  # one that exists; empty: the house makes a private one
HQ_FLEET_MEMORY = env.size("HQ_FLEET_MEMORY")  # of all agents by their limits; 0: three quarters of the host's
HQ_FLEET_CPUS = env.number("HQ_FLEET_CPUS", 0.0, lowest=0.0, highest=10_000.0)  # 0: four times the host's
HQ_WORKERS = env.integer("HQ_WORKERS", 1, lowest=1, highest=64)  # execution workers
HQ_RESEARCH_SECONDS = env.number("HQ_RESEARCH_SECONDS", 3_600.0, lowest=1.0, highest=864_000.0)  # of one run
HQ_RESEARCH_MEMORY = env.size("HQ_RESEARCH_MEMORY") or 2 * 2**30  # of one run
HQ_SINGLE_INSTANCE = env.flag("HQ_SINGLE_INSTANCE", default=False)  # live trading on the embedded PostgreSQL
HQ_PROCESS = env.text("HQ_PROCESS")  # which of the house's processes this is; empty for a command typed by hand
EXECUTING = HQ_PROCESS.startswith("execution")
HQ_PGP_PASSPHRASE = env.text("HQ_PGP_PASSPHRASE")  # of the firm's key pair; the house hands it to the executor only
HQ_SUPERVISOR_SOCKET = control_socket(HQ_HOME)
SECRET_KEY = secret_key(HQ_HOME)
DEBUG = False
ALLOWED_HOSTS = [HQ_HOST, "127.0.0.1", "localhost", "[::1]", *env.words("HQ_ALLOWED_HOSTS", "")]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
FORMAT_MODULE_PATH = "tradinghq.formats"
ROOT_URLCONF = "tradinghq.urls"
ASGI_APPLICATION = "tradinghq.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = False  # both slash forms are routed; a redirect would lose a POST's body

# Market and venue: MARKET decides where prices come from, never which limits apply
VENUE = env.text("VENUE", "paper")  # the account that the consensus trades
MARKET = env.choice("MARKET", "simulated" if VENUE == "simulated" else "live", ("live", "recorded", "simulated"))
if VENUE == "simulated" and MARKET == "live":
    raise env.EnvironmentRefused(
        "VENUE was simulated and MARKET live: the exchange simulator has prices of its own and does not follow live ones. "
        "Choose MARKET=simulated or MARKET=recorded."
    )
SPEED = env.number("SPEED", 60.0, lowest=0.0, highest=100_000.0)  # lock-step markets only; 0: as fast as possible
RECORDED_DIR = env.text("RECORDED_DIR")
WATCHED = env.words("INSTRUMENTS", "BTC/USDT,ETH/USDT,SOL/USDT")  # a word without a slash is a US stock: AAPL
INSTRUMENTS = env.read_as("INSTRUMENTS", WATCHED, full_symbol)
STOCKS = [full_symbol(word) for word in WATCHED if "/" not in word]
SIMULATED_SEED = env.integer("SIMULATED_SEED", 5, lowest=0, highest=2**31)  # the first minutes of 5 show every outcome
PROVIDERS = env.words("PROVIDERS", "binance,kraken,coinbase" + (",yfinance" if STOCKS else ""))
HQ_CCXT_URLS = env.mapping("HQ_CCXT_URLS")
HQ_REQUEST_QUOTAS = env.mapping(
    "HQ_REQUEST_QUOTAS"
)  # more or less than exchanges allow others: {"binance": {"orders": 50}}
HQ_STOCK_URLS = env.mapping("HQ_STOCK_URLS")  # other addresses of yfinance and alpaca, by provider
ALPACA_DATA_KEY = env.text("ALPACA_DATA_KEY")  # for prices only; the keys that trade are sealed in the account
ALPACA_DATA_SECRET = env.text("ALPACA_DATA_SECRET")
ALPACA_FEED = env.choice("ALPACA_FEED", "iex", ("iex", "sip", "delayed_sip"))
HQ_SIMULATED_CONTROL = env.text("HQ_SIMULATED_CONTROL")
HQ_SIMULATED_URL = env.text("HQ_SIMULATED_URL")  # the exchange simulator; the house sets it for VENUE=simulated
STARTING_CAPITAL = "1000"
NEURAL = env.flag("NEURAL", default=False)  # a neural agent among the first ones; make installs torch for it

# Parts
INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "channels",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "pgtrigger",
    "apps.foundation.apps.FoundationConfig",
    "apps.market.apps.MarketConfig",
    "apps.trading.apps.TradingConfig",
    "apps.agents.apps.AgentsConfig",
    "apps.management.apps.ManagementConfig",
    "tradinghq.apps.TradingHQConfig",
]
MIDDLEWARE = [
    "apps.foundation.rest.correlation_header.CorrelationMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "tradinghq" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]


# Database: PostgreSQL everywhere. DATABASE_URL is the app's role, DATABASE_OWNER_URL the owner's, who migrates.
# Without DATABASE_URL every command finds the embedded server through HQ_HOME; before its first start nothing answers.
EMBEDDED = stored_servers(HQ_HOME)
# The house reaches its embedded servers by these ports of loopback instead of their own: drills stand between.
REACHED = EMBEDDED and EMBEDDED.reached_by(
    postgres=env.integer("HQ_POSTGRES_VIA", 0, lowest=0, highest=65535),
    redis=env.integer("HQ_REDIS_VIA", 0, lowest=0, highest=65535),
)
DATABASE_EMBEDDED = not env.text("DATABASE_URL")
DATABASE_URL = env.text("DATABASE_URL") or (
    REACHED.database_url() if REACHED else "postgresql://hq_app@127.0.0.1:1/tradinghq"
)
DATABASE_OWNER_URL = env.text("DATABASE_OWNER_URL") or DATABASE_URL
# An executor has threads that wait for a slow exchange with their connection, and its loops beside them.
DATABASES = {"default": database_at(DATABASE_URL, pool=20 if EXECUTING else 8)}

# Redis: cache, bus and broker; it may be lost at any time without a wrong order
REDIS_URL = env.text("REDIS_URL") or (REACHED.redis_url() if REACHED else "redis://127.0.0.1:1/0")
# The same Redis as the agents see it: a container knows this machine by the gateway of its private network.
AGENT_REDIS_URL = env.text("HQ_AGENT_REDIS_URL") or (
    EMBEDDED.redis_url_in_containers()
    if HQ_RUNTIME == "docker" and EMBEDDED and EMBEDDED.gateway and not env.text("REDIS_URL")
    else REDIS_URL
)
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        # redis-py 8 times an idle read out after 5 s by default, which would close idle sockets.
        # Publishing ignores Redis' database numbers; the prefix keeps two houses on one server apart.
        "CONFIG": {
            "hosts": [{"address": REDIS_URL, "socket_timeout": None}],
            "prefix": f"hq{urlsplit(REDIS_URL).path}",
        },
    }
}

# Celery
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 60,
    "socket_connect_timeout": 5,
    "socket_timeout": 10,  # else whoever sends over a dead line waits until the line is cut
    "socket_keepalive": True,
    "queue_order_strategy": "round_robin",
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_DEFAULT_QUEUE = "upkeep"
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_TIMEZONE = "UTC"

# Web
HQ_MOMENT_READER = "apps.market.queries.current_moment"  # how views read both clocks; the foundation knows no market
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
STATIC_URL = "/static/"
STATIC_ROOT = HQ_HOME / "static"
WHITENOISE_USE_FINDERS = True  # served from the packages themselves: no collecting before the first start
STATICFILES_DIRS = (
    [("dashboard", BASE_DIR / "dashboard" / "dist")] if (BASE_DIR / "dashboard" / "dist").is_dir() else []
)
WHITENOISE_IMMUTABLE_FILE_TEST = r"^/static/dashboard/assets/"  # their names carry a digest
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.flag("HQ_TLS", default=False)  # a front with TLS stands before it
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SESSION_COOKIE_SECURE else None
LOGIN_URL = "/admin/login/"
LOGIN_REDIRECT_URL = "/admin/"
LOGGING_CONFIG = None  # structlog is set up in apps.foundation.logs.configure_logging, called by every entry point
