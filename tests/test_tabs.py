"""A link opens a tab, and the address says which one is open, in a real browser."""

from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, expect

QUIET_MS = 2_000
OPEN = "[role=tablist] [role=tab][aria-selected=true]"


def ids(page: Page) -> list[str]:
    """Of the page's tabs, by their titles."""
    buttons = page.locator(".tab-container[aria-hidden=true]").first.locator("button")
    expect(buttons).not_to_have_count(0)
    titles = buttons.all_inner_texts()
    return [title.strip().lower() for title in titles]


def expect_open(page: Page, tab: str) -> None:
    expect(page.locator(OPEN).first).to_have_attribute("data-tab-id", tab)


def query(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def test_every_tab_has_a_link_even_where_there_is_no_room_for_it(page: Page, app_url: str) -> None:
    tabs = ids(page)
    assert tabs[0] == "classify"
    assert "melody" in tabs
    for width in (1280, 240):
        page.set_viewport_size({"width": width, "height": 800})
        for tab in tabs[1:]:
            page.goto(f"{app_url}?tab={tab}&__theme=dark")
            expect_open(page, tab)
            assert query(page) == {"tab": [tab], "__theme": ["dark"]}


def test_an_unknown_tab_is_the_first(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}?tab=nowhere")
    expect_open(page, "classify")
    expect(page).to_have_url(f"{app_url}?tab=classify")


def test_the_open_tab_is_in_the_address_without_asking_the_server(page: Page, app_url: str) -> None:
    assert page.url == app_url
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    page.goto(f"{app_url}?report=nothing&x=1")
    expect(page.locator("#verdict .panel-error")).to_be_visible()
    before = -1
    while before < len(asked):  # what the page asks by itself once it has loaded
        before = len(asked)
        page.wait_for_timeout(QUIET_MS)
    loaded = page.evaluate("performance.timeOrigin")
    page.get_by_role("tab", name="Melody").click()
    expect(page).to_have_url(f"{app_url}?report=nothing&x=1&tab=melody")
    page.get_by_role("tab", name="Classify").click()
    expect(page).to_have_url(f"{app_url}?report=nothing&x=1&tab=classify")
    assert page.evaluate("performance.timeOrigin") == loaded
    assert len(asked) == before
    page.get_by_role("tab", name="Melody").click()
    expect(page).to_have_url(f"{app_url}?report=nothing&x=1&tab=melody")
    page.goto("about:blank")
    page.go_back()
    expect_open(page, "melody")


def test_back_and_forward_go_from_tab_to_tab(page: Page) -> None:
    loaded = page.evaluate("performance.timeOrigin")
    for name in ("Inside", "Melody"):
        page.get_by_role("tab", name=name).click()
        expect_open(page, name.lower())
    for step, tab in ((page.go_back, "inside"), (page.go_back, "classify"), (page.go_forward, "inside")):
        step()
        expect_open(page, tab)
    assert page.evaluate("performance.timeOrigin") == loaded


def test_a_link_within_the_page_opens_its_tab_without_a_reload(page: Page) -> None:
    loaded = page.evaluate("performance.timeOrigin")
    expect(page.locator("#verdict .empty")).to_be_visible()
    page.evaluate("document.querySelector('#verdict').innerHTML = '<a id=way href=\"?tab=melody\">There</a>'")
    page.locator("#way").click()
    expect_open(page, "melody")
    expect(page.get_by_role("tab", name="Melody")).to_be_focused()
    assert query(page) == {"tab": ["melody"]}
    assert page.evaluate("performance.timeOrigin") == loaded


def test_the_arrow_keys_go_round_the_tabs_and_enter_opens_one(page: Page) -> None:
    page.get_by_role("tab", name="Classify").focus()
    for key in ("ArrowLeft", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    second = ids(page)[1]
    page.keyboard.press("Enter")
    expect_open(page, second)
