"""Each control of the page to play with changes what it should: by mouse, touch and keyboard."""

import re

import pytest

KINDS = ("phone", "desk")
SLIDERS = ("right", "down", "turn", "zoom")


def numbers(text):
    return [int(number) for number in re.findall(r"\d+", text)]


def leaks(page):
    """(test pictures that training has, test pictures)"""
    return numbers(page.inner_text("#split-result"))


def order(page):
    return page.eval_on_selector_all("#steps button", "all => all.map((each) => each.dataset.step)")


def said(page):
    """What the three nets call the face."""
    return [page.inner_text(f"#word-{name}") for name in ("none", "copies", "online")]


def shares(page):
    return page.eval_on_selector_all(
        "#predictions td", "all => all.map((each) => Number(each.dataset.share))"
    )


def drag(page, selector, right, down=0):
    box = page.locator(selector).bounding_box()
    x = box["x"] + box["width"] / 2
    y = box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + right / 2, y + down / 2)
    page.mouse.move(x + right, y + down)
    page.mouse.up()


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_wider_than_the_window_and_text_stands_out(opened, kind, colours):
    page = opened(kind, color_scheme=colours)
    page.click("#reveal")
    page.click("#choices button >> nth=0")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.viewport_size["width"]
    ground, ink = page.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    )
    is_dark = colours == "dark"
    assert (sum(numbers(ground)) < sum(numbers(ink))) == is_dark


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_the_steps_decides_whether_there_is_a_leak(opened, kind):
    page = opened(kind)
    assert order(page) == ["copy", "split"]
    assert leaks(page)[0] > 0
    assert page.locator("#test .leaks").count() == leaks(page)[0]
    tap = page.tap if kind == "phone" else page.click
    tap("#steps button >> nth=1")
    assert order(page) == ["split", "copy"]
    assert leaks(page)[0] == 0


@pytest.mark.parametrize("key", ["ArrowRight", "Enter", "Space"])
def test_the_order_of_the_steps_is_changed_by_keyboard(opened, key):
    page = opened()
    page.focus("[data-step=copy]")
    page.keyboard.press(key)
    assert order(page) == ["split", "copy"]
    assert page.evaluate("document.activeElement.dataset.step") == "copy"


def test_a_step_is_dragged_over_the_other(opened):
    page = opened()
    boxes = [page.locator("#steps button").nth(place).bounding_box() for place in (0, 1)]
    apart = [boxes[1][side] - boxes[0][side] for side in ("x", "y")]
    drag(page, "[data-step=copy]", *apart)
    assert order(page) == ["split", "copy"]
    drag(page, "[data-step=copy]", 0, 200)  # dropped beside it
    assert order(page) == ["split", "copy"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_number_of_copies_is_set_by_keyboard(opened, kind):
    page = opened(kind)
    before = page.locator("#training canvas").count()
    page.focus("#copies")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#copies-shown") == "11"
    assert page.locator("#training canvas").count() > before
    page.keyboard.press("Home")
    assert page.inner_text("#copies-shown") == "0"
    assert leaks(page)[0] == 0


def test_a_new_deal_deals_other_faces(opened):
    page = opened()
    before = page.locator("#test button").evaluate_all("all => all.map((each) => each.ariaLabel)")
    page.click("#deal")
    after = page.locator("#test button").evaluate_all("all => all.map((each) => each.ariaLabel)")
    assert before != after


def test_a_test_picture_in_focus_shows_its_siblings_in_training(opened):
    page = opened()
    page.locator("#test .leaks").first.focus()
    marked = page.locator("#training .same").count()
    label = page.locator("#test .leaks").first.get_attribute("aria-label")
    assert marked == numbers(label)[-1] > 0
    page.focus("#deal")
    assert page.locator("#training .same").count() == 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_guess_is_shown_beside_what_was_measured(opened, kind):
    page = opened(kind)
    assert page.inner_text("#measured") == ""
    page.focus("#guess")
    page.keyboard.press("End")
    assert page.inner_text("#guess-shown") == "100 %"
    page.focus("#reveal")
    page.keyboard.press("Enter")
    first = page.inner_text("#measured")
    assert "100 %" in first
    assert page.inner_text("#measured tr.now").startswith("copies first")
    page.click("#steps button >> nth=0")
    page.click("#reveal")
    assert page.inner_text("#measured tr.now").startswith("the split first")
    assert page.inner_text("#measured") != first


@pytest.mark.parametrize("kind", KINDS)
def test_a_happy_face_pushed_aside_is_called_something_else_by_one_net(opened, kind):
    page = opened(kind)
    assert said(page) == ["happiness"] * 3
    page.click("#aside")
    none, copies, online = said(page)
    assert none == online == "happiness"
    assert copies in ("fear", "contempt")
    page.click("#back")
    assert said(page) == ["happiness"] * 3


@pytest.mark.parametrize("kind", KINDS)
def test_the_face_is_dragged(opened, kind):
    page = opened(kind)
    page.locator("#face").scroll_into_view_if_needed()
    before = shares(page)
    width = page.locator("#face").bounding_box()["width"]
    drag(page, "#face", 0.1 * width)
    assert page.inner_text("#right-shown") == "10 %"
    assert shares(page) != before


def touch(session, kind, points):
    """A touch by so many fingers, as Chromium's own protocol sends it."""
    fingers = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
    session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})


def test_one_finger_drags_the_face_and_two_turn_and_zoom_it(opened):
    page = opened("phone")
    page.locator("#face").scroll_into_view_if_needed()
    box = page.locator("#face").bounding_box()
    x = box["x"] + box["width"] / 2
    y = box["y"] + box["height"] / 2
    session = page.context.new_cdp_session(page)
    touch(session, "touchStart", [(x, y)])
    touch(session, "touchMove", [(x + 0.1 * box["width"], y)])
    touch(session, "touchEnd", [])
    assert page.inner_text("#right-shown") == "10 %"
    touch(session, "touchStart", [(x - 50, y), (x + 50, y)])
    touch(session, "touchMove", [(x - 50, y), (x + 55, y - 20)])
    touch(session, "touchEnd", [])
    assert page.inner_text("#turn-shown") == "11°"
    assert page.inner_text("#zoom-shown") == "107 %"
    assert page.inner_text("#right-shown") == "10 %"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SLIDERS)
def test_each_slider_is_moved_by_keyboard(opened, kind, name):
    page = opened(kind)
    before = shares(page)
    page.focus(f"#{name}")
    page.keyboard.press("End")
    at_most = page.input_value(f"#{name}")
    assert at_most == page.get_attribute(f"#{name}", "max")
    assert numbers(page.inner_text(f"#{name}-shown")) == [int(float(at_most))]
    assert shares(page) != before


def test_mirroring_changes_what_the_nets_see(opened):
    page = opened()
    before = shares(page)
    page.check("#mirror")
    assert shares(page) != before
    page.uncheck("#mirror")
    assert shares(page) == before


def test_keys_move_turn_zoom_and_mirror_the_face_and_put_it_back(opened):
    page = opened()
    page.focus("#face")
    start = shares(page)
    for key in ("ArrowRight", "ArrowDown", "[", "+", "m"):
        page.keyboard.press(key)
    values = [page.inner_text(f"#{name}-shown") for name in SLIDERS]
    assert values == ["2 %", "2 %", "3°", "103 %"]
    assert page.is_checked("#mirror")
    for key in ("ArrowLeft", "ArrowUp", "]", "-", "M"):
        page.keyboard.press(key)
    assert shares(page) == pytest.approx(start)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("0")
    assert shares(page) == start


@pytest.mark.parametrize("kind", KINDS)
def test_another_face_can_be_chosen(opened, kind):
    page = opened(kind)
    label = page.locator("#chosen button").last.get_attribute("aria-label")
    page.locator("#chosen button").last.focus()
    page.keyboard.press("Enter")
    assert said(page) == [label.split(": ")[1]] * 3
    assert page.locator("#chosen [aria-pressed=true]").count() == 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_copy_is_found_or_shown_and_the_auditor_has_its_say(opened, kind):
    page = opened(kind)
    tap = page.tap if kind == "phone" else page.click
    tap("#choices button >> nth=0")
    assert page.locator("#choices .right").count() == 1
    assert "auditor reports" in page.inner_text("#answer")
    assert "of 1" in page.inner_text("#score")
    told = page.inner_text("#answer")
    tap("#choices button >> nth=1")  # one answer a round
    assert page.inner_text("#answer") == told


def test_all_rounds_are_played_by_keyboard(opened):
    page = opened()
    rounds = page.evaluate("FACES.find.map((round) => round.right)")
    for right in rounds:
        page.locator("#choices button").nth(right).focus()
        page.keyboard.press("Enter")
        assert page.inner_text("#answer").startswith("Right.")
        page.focus("#next")
        page.keyboard.press("Enter")
    assert page.inner_text("#score").startswith(f"You: {len(rounds)} of {len(rounds)}.")


def test_every_control_has_a_name_that_can_be_read_aloud(opened):
    page = opened()
    nameless = page.evaluate(
        """[...document.querySelectorAll("button, input, canvas[tabindex]")].filter((each) =>
             !(each.labels && each.labels.length) && !each.getAttribute("aria-label")
             && !each.textContent.trim()).map((each) => each.outerHTML)"""
    )
    assert nameless == []
