"""What everybody may see, and what people do for themselves: the board, racers, signing up and in, badge and models."""

from web.pages.public.accounts import BadgePage, SetupPage, SignInPage, SignUpPage, sign_out
from web.pages.public.board import BoardPage
from web.pages.public.codes import qr_code
from web.pages.public.home import HomePage, favicon
from web.pages.public.me import MyPage
from web.pages.public.models import MyModelsPage
from web.pages.public.racer import RacerPage

ROUTES = [
    HomePage,
    BoardPage,
    RacerPage,
    SignUpPage,
    SignInPage,
    SetupPage,
    BadgePage,
    MyPage,
    MyModelsPage,
    sign_out,
    qr_code,
    favicon,
]
